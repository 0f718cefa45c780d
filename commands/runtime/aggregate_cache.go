package runtime

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/domain/event"
)

// aggregateCache is a bounded cache of folded aggregates, together with the locks under which they are loaded and commands on them are
// decided, and with their events in flight. An entry is durable, and includes every event that this process has appended or that its
// read index has read.
type aggregateCache[T any] struct {
	revisionOf func(*T) event.Revision
	states     *otter.Cache[uuid.UUID, *T]
	locks      stripedLocks

	mu       sync.Mutex // makes looking at held locks, events in flight and states one step
	locked   map[uuid.UUID]*aggregateLock[T]
	inFlight map[uuid.UUID]*inFlight[T] // of the aggregates that have events in flight
}

// aggregateLock is the lock of one aggregate. Only its holder reads the aggregate from the ledger or decides on it in this process.
type aggregateLock[T any] struct {
	*aggregateCache[T]
	id       uuid.UUID
	stripe   chan struct{}
	observed event.Revision // the latest that the read index has met since the lock was acquired
}

func newAggregateCache[T any](size int, revisionOf func(*T) event.Revision) (*aggregateCache[T], error) {
	states, err := otter.New(&otter.Options[uuid.UUID, *T]{MaximumSize: size})
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d aggregates: %w", size, err)
	}
	return &aggregateCache[T]{revisionOf: revisionOf, states: states, locks: newStripedLocks(),
		locked: map[uuid.UUID]*aggregateLock[T]{}, inFlight: map[uuid.UUID]*inFlight[T]{}}, nil
}

// get returns a cached aggregate.
func (c *aggregateCache[T]) get(id uuid.UUID) (*T, bool) { return c.states.GetIfPresent(id) }

// lock waits for the lock of an aggregate. The caller must release it.
func (c *aggregateCache[T]) lock(ctx context.Context, id uuid.UUID) (*aggregateLock[T], error) {
	stripe, err := c.locks.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	l := &aggregateLock[T]{aggregateCache: c, id: id, stripe: stripe}
	c.mu.Lock()
	c.locked[id] = l
	c.mu.Unlock()
	return l, nil
}

func (l *aggregateLock[T]) release() {
	l.mu.Lock()
	delete(l.locked, l.id)
	l.mu.Unlock()
	<-l.stripe
}

// set caches a state, unless the read index has met later events of the aggregate: then the next command loads it.
func (l *aggregateLock[T]) set(state *T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.revisionOf(state) < l.observed {
		l.states.Invalidate(l.id)
		return
	}
	l.setIfNewer(l.id, state)
}

// observe is called for every append of another instance, in order, with the revisions of its first and last event. next folds the events
// onto the state before them.
func (c *aggregateCache[T]) observe(id uuid.UUID, first, last event.Revision, next func(*T) (*T, error)) {
	c.mu.Lock()
	if l := c.locked[id]; l != nil {
		l.observed = max(l.observed, last)
	}
	if f := c.inFlight[id]; f != nil {
		f.observed = max(f.observed, last)
	}
	state, cached := c.states.GetIfPresent(id)
	c.mu.Unlock()
	if !cached || c.revisionOf(state) >= last {
		return
	}
	var err error
	if c.revisionOf(state)+1 == first {
		state, err = next(state)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || c.revisionOf(state) < last {
		// The next command that needs the aggregate loads it, and reports why it cannot be folded.
		c.states.Invalidate(id)
		return
	}
	c.setIfNewer(id, state)
}

// setIfNewer stores state unless the cache holds a later revision.
func (c *aggregateCache[T]) setIfNewer(id uuid.UUID, state *T) {
	if cached, ok := c.states.GetIfPresent(id); ok && c.revisionOf(cached) > c.revisionOf(state) {
		return
	}
	c.states.Set(id, state)
}

// stripedLocks lets one command at a time be decided on an aggregate, so that commands of this process do not race each other to the
// ledger. Aggregates share a fixed number of locks; two that share one wait for each other without need, which is rare.
type stripedLocks []chan struct{}

const stripes = 4_096

func newStripedLocks() stripedLocks {
	locks := make(stripedLocks, stripes)
	for i := range locks {
		locks[i] = make(chan struct{}, 1)
	}
	return locks
}

// acquire waits for the lock of an id. Receiving from the returned channel releases it.
func (l stripedLocks) acquire(ctx context.Context, id uuid.UUID) (chan struct{}, error) {
	stripe := l[binary.BigEndian.Uint64(id[8:])%uint64(len(l))]
	select {
	case stripe <- struct{}{}:
		return stripe, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
