package commands

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/domain/event"
)

// shelf holds folded aggregates, as many as there is room for. What lies on it is complete: it lacks no event that this
// process has appended or that its follower has read.
type shelf[T any] struct {
	revision func(*T) event.Revision
	states   *otter.Cache[uuid.UUID, *T]
	turns    turns

	mu      sync.Mutex // makes looking at claims and states one step
	claimed map[uuid.UUID]*claim[T]
}

// claim is the turn of one aggregate: until it is released nobody else in this process reads it from the ledger or changes it.
type claim[T any] struct {
	*shelf[T]
	id   uuid.UUID
	turn chan struct{}
	seen event.Revision // the newest that the follower came across meanwhile
}

func newShelf[T any](room int, revision func(*T) event.Revision) (*shelf[T], error) {
	states, err := otter.New(&otter.Options[uuid.UUID, *T]{MaximumSize: room})
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d aggregates: %w", room, err)
	}
	return &shelf[T]{revision: revision, states: states, turns: newTurns(), claimed: map[uuid.UUID]*claim[T]{}}, nil
}

// get returns an aggregate that lies on the shelf.
func (s *shelf[T]) get(id uuid.UUID) (*T, bool) { return s.states.GetIfPresent(id) }

// claim waits for the turn of an aggregate.
func (s *shelf[T]) claim(ctx context.Context, id uuid.UUID) (*claim[T], error) {
	turn, err := s.turns.take(ctx, id)
	if err != nil {
		return nil, err
	}
	c := &claim[T]{shelf: s, id: id, turn: turn}
	s.mu.Lock()
	s.claimed[id] = c
	s.mu.Unlock()
	return c, nil
}

func (c *claim[T]) release() {
	c.mu.Lock()
	delete(c.claimed, c.id)
	c.mu.Unlock()
	<-c.turn
}

// put lays the aggregate on the shelf, unless the follower has come across later events of it: then it is read anew next time.
func (c *claim[T]) put(state *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revision(state) < c.seen {
		c.states.Invalidate(c.id)
		return
	}
	c.lay(c.id, state)
}

// drop takes the aggregate off the shelf.
func (c *claim[T]) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states.Invalidate(c.id)
}

// follow is told of every append to the ledger, in order, by the revisions of its first and last event. next folds it onto the
// state before it.
func (s *shelf[T]) follow(id uuid.UUID, first, last event.Revision, next func(*T) (*T, error)) {
	s.mu.Lock()
	if c := s.claimed[id]; c != nil {
		c.seen = max(c.seen, last)
	}
	state, known := s.states.GetIfPresent(id)
	s.mu.Unlock()
	if !known || s.revision(state) >= last {
		return
	}
	var err error
	if s.revision(state)+1 == first {
		state, err = next(state)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.revision(state) < last {
		// Only the next who needs it has to care why it cannot be folded.
		s.states.Invalidate(id)
		return
	}
	s.lay(id, state)
}

// lay puts a state on the shelf if none lies there that is newer.
func (s *shelf[T]) lay(id uuid.UUID, state *T) {
	if there, ok := s.states.GetIfPresent(id); ok && s.revision(there) > s.revision(state) {
		return
	}
	s.states.Set(id, state)
}

// turns lets one command at a time change an aggregate, so that commands of this process do not race each other to the
// ledger. Aggregates share a fixed number of turns; sharing one costs a wait, nothing else.
type turns []chan struct{}

const sharedTurns = 4_096

func newTurns() turns {
	t := make(turns, sharedTurns)
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the turn of an aggregate, and puts a token into it that who took it takes out again.
func (t turns) take(ctx context.Context, id uuid.UUID) (chan struct{}, error) {
	turn := t[binary.BigEndian.Uint64(id[8:])%uint64(len(t))]
	select {
	case turn <- struct{}{}:
		return turn, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
