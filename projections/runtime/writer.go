package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// writer projects runs of events into one generation of a projection's tables.
type writer struct {
	projector Projector
	registry  *event.Registry
	db        *store.DB
	now       func() time.Time
}

// decode returns the event, with its payload if the projector wants it. An unknown type is poison to every projection, because this
// version cannot know whether the event matters.
func (w writer) decode(e event.Envelope) (event.Event, error) {
	newest, known := w.registry.Newest(e.Type)
	if known && !w.projector.Wants(newest, e.Stream) {
		return event.Event{Envelope: e}, nil
	}
	decoded, err := w.registry.Decode(e)
	if err != nil {
		return event.Event{}, fmt.Errorf("%w: %w", ErrPoison, err)
	}
	return decoded, nil
}

// poisoned returns an error that names the event at which a projection stops.
func poisoned(e event.Envelope, err error) error {
	if !errors.Is(err, ErrPoison) {
		err = fmt.Errorf("%w: %w", ErrPoison, err)
	}
	return fmt.Errorf("event %s (%s at position %d): %w", e.ID, e.Type, e.Position, err)
}

// decoded is an event with its payload, or why it has none.
type decoded struct {
	event.Event
	err error
}

// apply writes the rows of a run of events that follows the checkpoint. If an event cannot be projected, the events before it are written,
// and the error wraps ErrPoison and names the event. With store.ErrMoved it returns the checkpoint to continue from, which may be
// before or after the one given.
func (w writer) apply(ctx context.Context, at store.Checkpoint, run []decoded) (store.Checkpoint, error) {
	next, failedAt, err := w.write(ctx, at, run)
	switch {
	case err == nil:
		return next, nil
	case errors.Is(err, ErrPoison):
		// Write the events before the failing one. If an earlier commit succeeded but its result was lost, the checkpoint has already
		// passed this event, and it is not an error.
		next, _, before := w.write(ctx, at, run[:failedAt])
		if before != nil {
			return next, before
		}
		return next, err
	case errors.Is(err, store.ErrRejected):
		return w.isolatePoison(ctx, at, run)
	default:
		return next, err
	}
}

// write writes the rows of a run; failedAt is the index of the event that could not be projected.
func (w writer) write(ctx context.Context, at store.Checkpoint, run []decoded) (next store.Checkpoint, failedAt int, err error) {
	changes, failedAt, err := w.changes(ctx, at, run)
	if err != nil {
		return at, failedAt, err
	}
	next, err = w.db.Apply(ctx, at, lastOf(run, at.LastEvent), changes, w.now())
	return next, 0, err
}

// lastOf returns the last event of a run as the checkpoint names it, or otherwise for an empty run.
func lastOf(run []decoded, otherwise store.LastEvent) store.LastEvent {
	if len(run) == 0 {
		return otherwise
	}
	last := &run[len(run)-1].Envelope
	return store.LastEvent{Position: uint64(last.Position), Hash: last.Hash().String()}
}

// changes returns the changes of a run without writing them.
func (w writer) changes(ctx context.Context, at store.Checkpoint, run []decoded) (*store.Changes, int, error) {
	changes := w.db.Changes(w.projector.Definition(), at)
	for i, e := range run {
		err := w.project(ctx, e, changes)
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if errors.Is(err, store.ErrLookup) || errors.Is(err, errLater) {
			return nil, 0, err
		}
		if err != nil {
			return nil, i, poisoned(e.Envelope, err)
		}
	}
	return changes, 0, nil
}

func (w writer) project(ctx context.Context, e decoded, rows Rows) (err error) {
	if e.err != nil || e.Payload == nil {
		return e.err
	}
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("%w: the projector panicked: %v", ErrPoison, recovered)
		}
	}()
	return w.projector.Project(ctx, e.Event, rows)
}

// isolatePoison writes a rejected run event by event, to find the one whose rows the database rejects.
func (w writer) isolatePoison(ctx context.Context, at store.Checkpoint, run []decoded) (store.Checkpoint, error) {
	for _, e := range run {
		next, _, err := w.write(ctx, at, []decoded{e})
		if errors.Is(err, store.ErrRejected) {
			return at, poisoned(e.Envelope, err)
		}
		if err != nil {
			return next, err
		}
		at = next
	}
	return at, nil
}

// decodeAll decodes the events of a run that follow a position.
func (w writer) decodeAll(run []event.Envelope, after uint64) []decoded {
	all := make([]decoded, 0, len(run))
	for _, e := range run {
		if uint64(e.Position) <= after {
			continue // delivered again, or before the switch to a rebuilt generation
		}
		d := decoded{}
		d.Event, d.err = w.decode(e)
		d.Envelope = e
		all = append(all, d)
	}
	return all
}
