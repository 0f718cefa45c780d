package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// inFlight are the events of one aggregate that are decided and not durable yet. Commands are decided on the state that they lead to. One
// append at a time is written; commands that are decided meanwhile form a group and share the next one. docs/adr/0024-events-in-flight.md
// has the invariants.
//
// tip, unfolded and recorded belong to the holder of the aggregate's lock, all else is guarded by the mutex of the cache.
type inFlight[T any] struct {
	tip      *T            // the newest state that a command was decided on
	unfolded []event.Event // what was decided since; without positions
	recorded time.Time     // when the latest event was

	last     *group[T]
	groups   int            // that are not done
	closed   bool           // nobody may join: the next command waits until nothing is in flight
	observed event.Revision // the latest that the read index has met while there were events in flight
}

// group are commands whose events are appended together, in the order in which they were decided.
type group[T any] struct {
	id       uuid.UUID // of the aggregate
	in       *inFlight[T]
	before   *group[T]      // the group whose events come before; nil: none are in flight
	durable  *T             // the state that the events are appended to, once the group before is done
	expected event.Revision // of that state
	commands []*caused[T]
	events   []event.Pending
	bytes    int
	full     bool // nobody may join

	done chan struct{} // closed when the outcome is known
	err  error         // the outcome
}

// caused are the events of one command.
type caused[T any] struct {
	group  *group[T]
	leads  bool          // it is the first command of its group, and appends it
	events []event.Event // with positions once the group is done
	state  *T            // the aggregate after them, once the group is done
}

// A group is full when it has so much. The smallest limit of an engine is that of EventStoreDB, 1 MiB for an append.
const (
	maxGroupCommands = 256
	maxGroupEvents   = MaxPortion
	maxGroupBytes    = 512 << 10

	metadataBytes = 1 << 10 // an event has no more of it
)

// maxGroups is how many groups of an aggregate may be in flight: one that is appended, and two that gather. Further commands wait for the
// lock, and their callers may leave. So an engine that hangs does not collect what clients send meanwhile.
const maxGroups = 3

// errAgain fails a command that is to be decided again: what it was decided on is not what the ledger holds.
var errAgain = errors.New("decide again")

// advance folds what was decided, and returns the state that the next command is decided on.
func (f *inFlight[T]) advance(fold func(*T, ...event.Event) (*T, error)) (*T, error) {
	if len(f.unfolded) == 0 {
		return f.tip, nil
	}
	tip, err := fold(f.tip, f.unfolded...)
	if err == nil {
		f.tip, f.unfolded = tip, nil
	}
	return tip, err
}

// latest returns the command whose events come last.
func (f *inFlight[T]) latest() *caused[T] { return f.last.commands[len(f.last.commands)-1] }

// enter waits for the lock of an aggregate, and returns it with the events in flight, nil when there are none. It waits while nothing may
// join them. The caller must release the lock.
func (c *aggregateCache[T]) enter(ctx context.Context, id uuid.UUID) (*aggregateLock[T], *inFlight[T], error) {
	for {
		lock, err := c.lock(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		c.mu.Lock()
		f := c.inFlight[id]
		var first *group[T] // that must be done before
		switch {
		case f == nil:
		case f.closed:
			first = f.last
		case f.groups >= maxGroups:
			first = f.last.before
		}
		c.mu.Unlock()
		if first == nil {
			return lock, f, nil
		}
		lock.release()
		if err := first.wait(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// join adds events to those in flight, f, which they were decided on; nil: they were decided on a durable state. It fails with
// errAgain when f was closed meanwhile.
func (l *aggregateLock[T]) join(f *inFlight[T], state *T, pending []event.Pending, events []event.Event, how joining) (*caused[T], error) {
	bytes := 0
	for _, e := range pending {
		bytes += len(e.Data) + metadataBytes
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == nil {
		f = &inFlight[T]{tip: state}
	}
	if f.closed {
		return nil, errAgain
	}
	g := f.last
	if g == nil || g.full || how.alone || len(g.commands) >= maxGroupCommands || len(g.events)+len(pending) > maxGroupEvents ||
		g.bytes+bytes > maxGroupBytes {
		g = &group[T]{id: l.id, in: f, before: f.last, durable: state, expected: l.revisionOf(state), full: how.alone, done: make(chan struct{})}
		f.groups++
	}
	c := &caused[T]{group: g, leads: len(g.commands) == 0, events: events}
	g.commands, g.events, g.bytes = append(g.commands, c), append(g.events, pending...), g.bytes+bytes
	f.last, f.closed = g, how.last
	f.unfolded, f.recorded = append(f.unfolded, events...), pending[0].RecordedAt
	l.inFlight[l.id] = f
	return c, nil
}

// joining says how events join those in flight.
type joining struct {
	alone bool // they share their append with those of no other command
	last  bool // nothing is decided on them before they are durable
}

// wait returns when the outcome of a group is known, or ctx has ended.
func (g *group[T]) wait(ctx context.Context) error {
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// appendGroup appends a group once the one before it is durable. The append is not cancelled with the request: it might still commit, and
// others share it.
func (r *Repository[T]) appendGroup(ctx context.Context, g *group[T]) {
	g.err = fmt.Errorf("%w: an append was not finished", eventstore.ErrUnavailable) // if this panics
	defer func() { r.cache.finish(g) }()
	if before := g.before; before != nil {
		<-before.done
		if before.err != nil {
			g.err = errAgain
			return
		}
		g.durable = before.commands[len(before.commands)-1].state
	}
	r.cache.mu.Lock()
	g.full, g.before = true, nil
	r.cache.mu.Unlock()
	commit, err := r.store.Append(context.WithoutCancel(ctx), r.Prefix.Stream(g.id), g.expected, g.events)
	if err == nil {
		err = r.applyGroup(g, commit.Events)
	}
	g.err = err
}

// applyGroup folds what was appended, command by command.
func (r *Repository[T]) applyGroup(g *group[T], appended []event.Envelope) error {
	if len(appended) != len(g.events) {
		return fmt.Errorf("%w: %d events were appended, not %d", eventstore.ErrDamaged, len(appended), len(g.events))
	}
	state := g.durable
	for _, c := range g.commands {
		for i, given := range c.events {
			if e := appended[i]; e.ID != given.ID || e.Type != given.Type || e.Revision != given.Revision {
				return fmt.Errorf("%w: %s %s at revision %d was appended as %s %s at revision %d", eventstore.ErrDamaged,
					given.Type, given.ID, given.Revision, e.Type, e.ID, e.Revision)
			}
			c.events[i].Envelope = appended[i]
			r.ledgerTime.observe(appended[i])
		}
		appended = appended[len(c.events):]
		var err error
		if state, err = r.Fold(state, c.events...); err != nil {
			return err
		}
		c.state = state
	}
	r.announce()
	r.saveSnapshot(g.expected, state)
	return nil
}

// finish makes the outcome of a group known.
func (c *aggregateCache[T]) finish(g *group[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := g.in
	switch {
	case g.err == nil:
		state := g.commands[len(g.commands)-1].state
		if c.revisionOf(state) < f.observed { // another instance has appended since
			c.states.Invalidate(g.id)
		} else {
			c.setIfNewer(g.id, state)
		}
	case errors.Is(g.err, errAgain), errors.Is(g.err, eventstore.ErrWrongExpectedRevision), errors.Is(g.err, eventstore.ErrBusy),
		errors.Is(g.err, eventstore.ErrInvalidAppend):
		f.closed = true // nothing was stored
	default:
		f.closed = true
		c.states.Invalidate(g.id) // whether it was stored is unknown; the next command reads what is there
	}
	if f.groups--; f.last == g {
		delete(c.inFlight, g.id)
	}
	close(g.done)
}
