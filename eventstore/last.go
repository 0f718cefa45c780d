package eventstore

import (
	"context"
	"iter"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Last returns the last event of a ledger; found is false when it has none.
//
// An engine whose positions have gaps implements Last(ctx) with the same results: only it knows where an event begins.
func Last(ctx context.Context, ledger interface {
	Head(ctx context.Context) (event.Position, error)
	ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error]
}) (last event.Envelope, found bool, err error) {
	if engine, ok := ledger.(interface {
		Last(ctx context.Context) (event.Envelope, bool, error)
	}); ok {
		return engine.Last(ctx)
	}
	head, err := ledger.Head(ctx)
	if err != nil || head == 0 {
		return event.Envelope{}, false, err
	}
	for e, err := range ledger.ReadAll(ctx, head-1) {
		if err != nil {
			return event.Envelope{}, false, err
		}
		last, found = e, true
	}
	return last, found, nil
}
