// Package paging reads a ledger page by page, so that no query and no transaction is open while a caller looks at events. It is
// what every SQL engine of the event store reads through, and it knows no SQL: an engine gives it the queries for one page.
// As positions and revisions are dense, a page that lacks one is damage.
package paging

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Size is how many events are read at once, at most.
const Size = 1000

// Queries are an engine's. Places are as SQL compares them: no event lies beyond the largest int64.
type Queries interface {
	// Head returns the position of the last event, 0 for an empty ledger.
	Head(ctx context.Context) (event.Position, error)
	// After returns up to limit events with a position greater than after, in order.
	After(ctx context.Context, after int64, limit int) ([]event.Envelope, error)
	// Slice returns up to limit events of a stream with a revision greater than after, in order.
	Slice(ctx context.Context, stream string, after int64, limit int) ([]event.Envelope, error)
	// Exists tells whether a stream has events.
	Exists(ctx context.Context, stream string) (bool, error)
}

// Reader is the reading half of [eventstore.Store].
type Reader struct {
	queries Queries
	closed  <-chan struct{}
}

// NewReader returns a reader that answers [eventstore.ErrClosed] once closed is closed.
func NewReader(queries Queries, closed <-chan struct{}) *Reader {
	return &Reader{queries: queries, closed: closed}
}

// Head returns the position of the last event.
func (r *Reader) Head(ctx context.Context) (event.Position, error) {
	if err := r.Usable(ctx); err != nil {
		return 0, err
	}
	head, err := r.queries.Head(ctx)
	return head, r.readError(ctx, err)
}

// ReadAll yields the events of the ledger as [eventstore.Store] promises, up to the head at the time of the call.
func (r *Reader) ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		head, err := r.Head(ctx)
		for err == nil && after < head {
			var page []event.Envelope
			if page, err = r.Next(ctx, after, Size); err != nil {
				break
			}
			if len(page) == 0 {
				err = fmt.Errorf("%w: positions %d to %d are missing", eventstore.ErrDamaged, after+1, head)
				break
			}
			for _, e := range page {
				if e.Position > head {
					return
				}
				if !yield(e, nil) {
					return
				}
			}
			after = page[len(page)-1].Position
		}
		if err != nil {
			yield(event.Envelope{}, err)
		}
	}
}

// ReadStream yields the events of a stream as [eventstore.Store] promises.
func (r *Reader) ReadStream(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		for first := true; ; first = false {
			page, err := r.page(ctx, func() ([]event.Envelope, error) { return r.slice(ctx, stream, after, first) })
			if err != nil {
				yield(event.Envelope{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < Size {
				return
			}
			after = page[len(page)-1].Revision
		}
	}
}

// Next returns the page of the ledger that follows a position. It is what subscriptions read.
func (r *Reader) Next(ctx context.Context, after event.Position, limit int) ([]event.Envelope, error) {
	return r.page(ctx, func() ([]event.Envelope, error) {
		events, err := r.queries.After(ctx, clamp(after), min(limit, Size))
		if err != nil {
			return nil, err
		}
		for i, e := range events {
			if expected := after + event.Position(i) + 1; e.Position != expected {
				return nil, fmt.Errorf("%w: position %d is missing, %d comes next", eventstore.ErrDamaged, expected, e.Position)
			}
		}
		return events, nil
	})
}

// ReadEvent returns the event at a position as [eventstore.Store] promises.
func (r *Reader) ReadEvent(ctx context.Context, at event.Position) (event.Envelope, error) {
	if at == 0 {
		return event.Envelope{}, fmt.Errorf("%w: 0", eventstore.ErrEventNotFound)
	}
	page, err := r.Next(ctx, at-1, 1)
	if err != nil {
		return event.Envelope{}, err
	}
	if len(page) == 0 {
		return event.Envelope{}, fmt.Errorf("%w: %d", eventstore.ErrEventNotFound, at)
	}
	return page[0], nil
}

// Usable refuses a closed store and an ended ctx.
func (r *Reader) Usable(ctx context.Context) error {
	select {
	case <-r.closed:
		return eventstore.ErrClosed
	default:
		return ctx.Err()
	}
}

func (r *Reader) page(ctx context.Context, read func() ([]event.Envelope, error)) ([]event.Envelope, error) {
	if err := r.Usable(ctx); err != nil {
		return nil, err
	}
	events, err := read()
	return events, r.readError(ctx, err)
}

// readError gives an error of a read its place among the errors of the port.
func (r *Reader) readError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := r.Usable(ctx); ended != nil {
		return ended
	}
	return err
}

// slice returns the page of a stream that follows a revision. The first page of a read tells a stream without events from
// one without events after that revision.
func (r *Reader) slice(ctx context.Context, stream string, after event.Revision, first bool) ([]event.Envelope, error) {
	events, err := r.queries.Slice(ctx, stream, clamp(after), Size)
	if err != nil {
		return nil, err
	}
	for i, e := range events {
		if expected := after + event.Revision(i) + 1; e.Revision != expected {
			return nil, fmt.Errorf("%w: revision %d of stream %q is missing, %d comes next",
				eventstore.ErrDamaged, expected, stream, e.Revision)
		}
	}
	if len(events) > 0 || !first {
		return events, nil
	}
	exists := false
	if after > 0 {
		if exists, err = r.queries.Exists(ctx, stream); err != nil {
			return nil, err
		}
	}
	if !exists {
		return nil, fmt.Errorf("%w: %q", eventstore.ErrStreamNotFound, stream)
	}
	return nil, nil
}

// clamp makes a place a number SQL can compare.
func clamp[Place event.Position | event.Revision](p Place) int64 {
	return int64(min(uint64(p), math.MaxInt64))
}
