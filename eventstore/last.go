package eventstore

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Last returns the last event of a ledger; found is false when it has none.
func Last(ctx context.Context, ledger interface {
	Head(ctx context.Context) (event.Position, error)
	ReadEvent(ctx context.Context, at event.Position) (event.Envelope, error)
}) (last event.Envelope, found bool, err error) {
	head, err := ledger.Head(ctx)
	if err != nil || head == 0 {
		return event.Envelope{}, false, err
	}
	last, err = ledger.ReadEvent(ctx, head)
	return last, err == nil, err
}
