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

// pipeline is what is under way for one aggregate: commands that are decided, each on the state after those before it, and whose events are
// not durable yet. One append at a time is written. Commands that are decided meanwhile form a group and share the next append.
// docs/adr/0024-pipelined-streams.md has the invariants.
//
// tip and ahead belong to the holder of the aggregate's lock, all else is guarded by the mutex of the cache.
type pipeline[T any] struct {
	tip   *T            // the newest state that was decided on
	ahead []event.Event // caused since; without positions

	last     *group[T]
	closed   bool           // nobody may join: the next command waits until nothing is under way
	observed event.Revision // the latest that the read index has met while something was under way
}

// group are commands whose events are appended together, in the order in which they were decided.
type group[T any] struct {
	pipeline *pipeline[T]
	id       uuid.UUID      // of the aggregate
	before   *group[T]      // what it rests on; nil: on durable
	durable  *T             // the state that it is appended to, once the group before it is done
	expected event.Revision // of that state
	commands []*caused[T]
	events   []event.Pending
	bytes    int
	full     bool // nobody may join

	done chan struct{} // closed when the outcome is known; then the following are valid
	err  error
}

// caused is a command that caused events which are under way.
type caused[T any] struct {
	group  *group[T]
	events []event.Event // without positions until the group is done
	state  *T            // the aggregate after them, once the group is done
	leads  bool          // it is the first of its group, and appends it
}

// A group is full when it has so much. The smallest limit of an engine is that of EventStoreDB, 1 MiB for an append.
const (
	maxGroupCommands = 256
	maxGroupEvents   = MaxPortion
	maxGroupBytes    = 512 << 10

	metadataBytes = 1 << 10 // an event has no more of it
)

// errSuperseded fails a command that was decided on events which were not stored then. It is decided again.
var errSuperseded = errors.New("the events before were not stored")

// state returns the state after everything that is under way.
func (p *pipeline[T]) state(fold func(*T, ...event.Event) (*T, error)) (*T, error) {
	if len(p.ahead) == 0 {
		return p.tip, nil
	}
	tip, err := fold(p.tip, p.ahead...)
	if err != nil {
		return nil, err
	}
	p.tip, p.ahead = tip, nil
	return tip, nil
}

// recorded returns when the latest event under way was.
func (p *pipeline[T]) recorded() time.Time {
	if len(p.last.events) == 0 {
		return time.Time{}
	}
	return p.last.events[len(p.last.events)-1].RecordedAt
}

// enter waits for the lock of an aggregate, and for the end of a pipeline that is closed. It returns the pipeline, nil when nothing is under
// way. The caller must release the lock.
func (c *aggregateCache[T]) enter(ctx context.Context, id uuid.UUID, fold func(*T, ...event.Event) (*T, error)) (
	*aggregateLock[T], *pipeline[T], error) {
	for {
		lock, err := c.lock(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		p, closed, err := lock.pipeline(fold)
		if err == nil && !closed {
			return lock, p, nil
		}
		lock.release()
		if err != nil {
			return nil, nil, err
		}
		c.mu.Lock()
		last := p.last
		c.mu.Unlock()
		if err := last.wait(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// pipeline returns the pipeline of a locked aggregate. It closes one whose state lacks an event that the read index has met: another instance
// appended it, and an answer may depend on it.
func (l *aggregateLock[T]) pipeline(fold func(*T, ...event.Event) (*T, error)) (p *pipeline[T], closed bool, err error) {
	l.mu.Lock()
	p = l.pipelines[l.id]
	l.mu.Unlock()
	if p == nil {
		return nil, false, nil
	}
	tip, err := p.state(fold)
	if err != nil {
		return nil, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.observed > l.revisionOf(tip) {
		p.closed = true
	}
	return p, p.closed, nil
}

// join puts events under way that were decided on the state of a pipeline (nil: a new one begins with the state). It fails with errSuperseded
// when the pipeline was closed meanwhile. alone: they share their append with no others. last: nobody joins after them.
func (l *aggregateLock[T]) join(p *pipeline[T], state *T, pending []event.Pending, events []event.Event, alone, last bool) (
	*caused[T], error) {
	bytes := 0
	for _, e := range pending {
		bytes += len(e.Data) + metadataBytes
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == nil {
		p = &pipeline[T]{tip: state}
	}
	if p.closed {
		return nil, errSuperseded
	}
	g := p.last
	if g == nil || g.full || alone || len(g.commands) >= maxGroupCommands || len(g.events)+len(pending) > maxGroupEvents ||
		g.bytes+bytes > maxGroupBytes {
		g = &group[T]{pipeline: p, id: l.id, before: p.last, durable: state, expected: l.revisionOf(state), full: alone,
			done: make(chan struct{})}
	}
	c := &caused[T]{group: g, events: events, leads: len(g.commands) == 0}
	g.commands, g.events, g.bytes = append(g.commands, c), append(g.events, pending...), g.bytes+bytes
	p.last, p.closed = g, last
	p.ahead = append(p.ahead, events...)
	l.pipelines[l.id] = p
	return c, nil
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

// carryOut returns when a command's own events are durable, or are known not to be. The first command of a group appends it.
func (r *Repository[T]) carryOut(ctx context.Context, own *caused[T]) error {
	if own.leads {
		r.appendGroup(ctx, own.group)
	}
	<-own.group.done
	return own.group.err
}

// appendGroup appends a group once the one before it is durable. The append is not cancelled with the request: it might still commit, and
// others share it.
func (r *Repository[T]) appendGroup(ctx context.Context, g *group[T]) {
	g.err = fmt.Errorf("%w: an append was not finished", eventstore.ErrUnavailable) // if this panics
	defer func() { r.cache.finish(g) }()
	if g.before != nil {
		<-g.before.done
		if g.before.err != nil {
			g.err = errSuperseded
			return
		}
		before := g.before.commands
		g.durable, g.before = before[len(before)-1].state, nil
	}
	r.cache.mu.Lock()
	g.full = true
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
	p := g.pipeline
	switch {
	case g.err == nil:
		state := g.commands[len(g.commands)-1].state
		if c.revisionOf(state) < p.observed {
			p.closed = true
			c.states.Invalidate(g.id)
		} else {
			c.setIfNewer(g.id, state)
		}
	case errors.Is(g.err, eventstore.ErrWrongExpectedRevision), errors.Is(g.err, eventstore.ErrBusy), errors.Is(g.err, errSuperseded):
		p.closed = true // nothing was stored
	default:
		p.closed = true
		c.states.Invalidate(g.id) // whether it was stored is unknown; the next command reads what is there
	}
	if p.last == g {
		delete(c.pipelines, g.id)
	}
	close(g.done)
}
