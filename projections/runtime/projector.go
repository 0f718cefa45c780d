// Package runtime keeps read models up to date with the ledger. It knows no read model and no event of its own.
//
// A [Projector] says what an event does to the rows of one projection. The [Feed] emits the ledger as messages, each a contiguous run of
// events. The [Runner] has Watermill's router hand them to the projectors, and writes the rows of a message together with the checkpoint,
// in one transaction: every event counts exactly once, whatever crashes.
//
// An event that cannot be projected stops its projection, and is named in its state; it is never skipped. A rebuild fills new tables from
// the first event on beside those that serve, and switches over in the transaction that catches up.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// ErrPoison says that an event cannot be projected: its type is unknown, its payload malformed, or its rows impossible.
var ErrPoison = errors.New("the event cannot be projected")

// Projector turns events into changes of the rows of one projection. Given the same events it always makes the same rows. [Table]
// implements it.
type Projector interface {
	// Definition describes the tables. Its version grows with every change of what the same events become.
	Definition() store.Definition
	// Wants reports whether events of a type, the newest version of it, in a stream matter to these rows.
	Wants(t event.Type, stream string) bool
	// Project queues what one event does to the rows. It reads its own rows only. An error stops the projection.
	Project(ctx context.Context, e event.Event, rows Rows) error
}

// Rows are the rows of one projection, as far as its projector may touch them. [store.Changes] implements it.
type Rows interface {
	Insert(table string, values store.Values) error
	Update(table, key string, values store.Values) error
	Text(ctx context.Context, table, key, column string) (string, error)
	Number(ctx context.Context, table, key, column string) (int64, error)
}

// Table is a projector as a table of functions by type of event.
type Table struct {
	Of store.Definition
	// Streams are the kinds of aggregate whose events the projection is about.
	Streams []aggregate.Prefix
	// On has the reducers by type of event. Make it with [Reducers].
	On map[event.Type]Reducer
	// Otherwise reduces the events of Streams that On does not name. nil: they are ignored if IgnoreOthers says so, else they are poison.
	Otherwise    Reducer
	IgnoreOthers bool
}

// Reducer queues what an event of the aggregate with an id does to the rows.
type Reducer func(ctx context.Context, e event.Event, id uuid.UUID, rows Rows) error

// TypedReducer is a reducer of one type of event.
type TypedReducer struct {
	of     event.Type
	reduce Reducer
}

// On returns the reducer of events with payload P.
func On[P event.Payload](reduce func(ctx context.Context, e event.Event, id uuid.UUID, payload P, rows Rows) error) TypedReducer {
	var zero P
	return TypedReducer{zero.EventType(), func(ctx context.Context, e event.Event, id uuid.UUID, rows Rows) error {
		payload, ok := e.Payload.(P)
		if !ok {
			return fmt.Errorf("%w: %s has a payload of type %T", ErrPoison, e.Type, e.Payload)
		}
		return reduce(ctx, e, id, payload, rows)
	}}
}

// Reducers makes a table of reducers.
func Reducers(all ...TypedReducer) map[event.Type]Reducer {
	table := make(map[event.Type]Reducer, len(all))
	for _, r := range all {
		table[r.of] = r.reduce
	}
	return table
}

// Definition implements [Projector].
func (t Table) Definition() store.Definition { return t.Of }

// Wants implements [Projector].
func (t Table) Wants(of event.Type, stream string) bool {
	if _, named := t.On[of]; named || t.IgnoreOthers {
		return named
	}
	_, ours := t.aggregateOf(stream)
	return ours
}

// Project implements [Projector].
func (t Table) Project(ctx context.Context, e event.Event, rows Rows) error {
	id, ours := t.aggregateOf(e.Stream)
	if !ours {
		return fmt.Errorf("%w: %s in stream %q", ErrPoison, e.Type, e.Stream)
	}
	reduce := t.Otherwise
	if named, ok := t.On[e.Payload.EventType()]; ok {
		reduce = named
	}
	if reduce == nil {
		return fmt.Errorf("%w: projection %s has no reducer for %s", ErrPoison, t.Of.Name, e.Payload.EventType())
	}
	return reduce(ctx, e, id, rows)
}

func (t Table) aggregateOf(stream string) (uuid.UUID, bool) {
	prefix, id, ok := aggregate.Split(stream)
	return id, ok && slices.Contains(t.Streams, prefix)
}
