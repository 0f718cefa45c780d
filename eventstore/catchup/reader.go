package catchup

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/paging"
)

// Reader reads a ledger page by page and follows it. It implements [eventstore.Reader].
type Reader struct {
	*paging.Reader
	source Source
}

// NewReader returns a reader that follows what pages reads: it waits as source says, whose Read may be left out.
func NewReader(pages *paging.Reader, source Source) *Reader {
	source.Read = pages.Next
	return &Reader{Reader: pages, source: source}
}

// Subscribe follows the ledger as [eventstore.Reader] promises.
func (r *Reader) Subscribe(ctx context.Context, after event.Position) (eventstore.Subscription, error) {
	if err := r.Usable(ctx); err != nil {
		return nil, err
	}
	return r.source.Subscribe(after), nil
}
