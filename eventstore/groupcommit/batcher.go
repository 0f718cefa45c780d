// Package groupcommit lets many concurrent appends share one durable commit. It is what every SQL engine of the event
// store is built on, and it knows no SQL: an engine gives it a function that writes a batch in one transaction.
//
// A [Batcher] queues appends and hands them to that function in batches. [Resolve] decides, inside the transaction, which appends
// of a batch are stored, which are repeats and which are conflicts.
package groupcommit

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

const (
	// MaxAppendsPerBatch is how many appends share one commit at most.
	MaxAppendsPerBatch = 256
	// MaxEventsPerBatch is how many events share one commit at most. The largest single append fits.
	MaxEventsPerBatch = eventstore.MaxEventsPerAppend
	// DefaultQueueCapacity is how many appends may wait for the writer, unless an engine is told otherwise.
	DefaultQueueCapacity = 4096
	// maxQueuedEvents bounds the memory of the queue when appends are large.
	maxQueuedEvents = 8 * MaxEventsPerBatch
)

// Append is one caller's append, as given to [eventstore.Store].
type Append struct {
	Stream   string
	Expected event.Revision
	Events   []event.Pending
}

// Outcome is the result of one append of a batch.
type Outcome struct {
	Commit eventstore.Commit
	Err    error
}

// WriteBatch stores a batch in one transaction and returns one outcome for each append, in the order of the batch, once
// they are durable. With an error nothing of the batch may be visible, now or later, unless the error says that the outcome of
// the commit itself is unknown; all appends of the batch then fail with [eventstore.ErrUnavailable].
//
// It is called by one goroutine at a time and must end by itself: Close waits for it.
type WriteBatch func(batch []Append) ([]Outcome, error)

// Batcher is a bounded queue of appends with a single writer behind it. It is safe for concurrent use.
type Batcher struct {
	write    WriteBatch
	capacity int

	mu      sync.Mutex
	queue   []*request // waiting for the writer, oldest first
	appends int        // in the queue
	events  int        // in the queue
	closed  bool

	wake chan struct{} // holds a token when the writer has work
	done chan struct{} // closed when the writer has ended
}

// request is what one caller wants to store: one append, or several in their order.
type request struct {
	appends  []Append
	events   int
	outcomes chan result
}

type result struct {
	outcomes []Outcome
	err      error
}

func newRequest(appends ...Append) *request {
	r := &request{appends: appends, outcomes: make(chan result, 1)}
	for _, a := range appends {
		r.events += len(a.Events)
	}
	return r
}

// NewBatcher starts a batcher that queues up to capacity appends for write. It runs until Close.
func NewBatcher(capacity int, write WriteBatch) *Batcher {
	b := &Batcher{write: write, capacity: capacity, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go b.run()
	return b
}

// Append queues an append and waits for its outcome, as [eventstore.Store] promises. It fails with [eventstore.ErrInvalidAppend],
// [eventstore.ErrBusy] when the queue is full, [eventstore.ErrClosed], ctx's error, or what the batch's write answered.
//
// If ctx ends while the append is queued, the append is cancelled. If it ends later, Append returns ctx's error at once, although
// the append may still be stored. The payload bytes are not copied and must not be changed.
func (b *Batcher) Append(
	ctx context.Context, stream string, expected event.Revision, events []event.Pending,
) (eventstore.Commit, error) {
	outcomes, err := b.store(ctx, Append{Stream: stream, Expected: expected, Events: events})
	if err != nil {
		return eventstore.Commit{}, err
	}
	return outcomes[0].Commit, outcomes[0].Err
}

// AppendInOrder queues several appends, which one commit stores in the given order, with no others between them. It fails as Append does,
// with the first failure among them; the others may be stored. There are at most [MaxAppendsPerBatch], with
// at most [MaxEventsPerBatch] events.
func (b *Batcher) AppendInOrder(ctx context.Context, appends []Append) error {
	events := 0
	for _, a := range appends {
		events += len(a.Events)
	}
	if len(appends) > MaxAppendsPerBatch || events > MaxEventsPerBatch {
		return fmt.Errorf("%w: %d appends of %d events in one commit, at most %d of %d are allowed",
			eventstore.ErrInvalidAppend, len(appends), events, MaxAppendsPerBatch, MaxEventsPerBatch)
	}
	outcomes, err := b.store(ctx, appends...)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.Err != nil {
			return o.Err
		}
	}
	return nil
}

// store queues a request and waits for its outcomes.
func (b *Batcher) store(ctx context.Context, appends ...Append) ([]Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, a := range appends {
		if err := eventstore.Check(a.Stream, a.Events); err != nil {
			return nil, err
		}
	}
	r := newRequest(appends...)
	if err := b.enqueue(r); err != nil {
		return nil, err
	}
	select {
	case stored := <-r.outcomes:
		return stored.outcomes, stored.err
	case <-ctx.Done():
		b.cancel(r)
		return nil, ctx.Err()
	}
}

// Close lets the writer finish its batch, fails the queued appends with [eventstore.ErrClosed] and refuses new ones. It returns when the
// writer has ended, and may be called again.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.closed = true
	waiting := b.queue
	b.queue, b.appends, b.events = nil, 0, 0
	b.mu.Unlock()
	for _, r := range waiting {
		r.outcomes <- result{err: eventstore.ErrClosed}
	}
	b.signal()
	<-b.done
}

func (b *Batcher) enqueue(r *request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return eventstore.ErrClosed
	case b.appends >= b.capacity, b.events+r.events > maxQueuedEvents:
		return fmt.Errorf("%w: %d appends are waiting", eventstore.ErrBusy, b.appends)
	}
	b.queue = append(b.queue, r)
	b.appends += len(r.appends)
	b.events += r.events
	b.signal()
	return nil
}

// cancel removes a request from the queue if it is still there.
func (b *Batcher) cancel(r *request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, queued := range b.queue {
		if queued == r {
			b.queue = append(b.queue[:i], b.queue[i+1:]...)
			b.appends -= len(r.appends)
			b.events -= r.events
			return
		}
	}
}

func (b *Batcher) signal() {
	select {
	case b.wake <- struct{}{}:
	default: // there is a token already
	}
}

func (b *Batcher) run() {
	defer close(b.done)
	for range b.wake {
		// The callers of the last batch are waking up. Let them queue their next append first, so that batches stay full under load.
		runtime.Gosched()
		for {
			requests, closed := b.dequeue()
			if len(requests) > 0 {
				b.commit(requests)
				continue
			}
			if closed {
				return
			}
			break
		}
	}
}

// dequeue removes the next batch from the queue.
func (b *Batcher) dequeue() (requests []*request, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, appends, events := 0, 0, 0
	for n < len(b.queue) && appends+len(b.queue[n].appends) <= MaxAppendsPerBatch && events+b.queue[n].events <= MaxEventsPerBatch {
		appends += len(b.queue[n].appends)
		events += b.queue[n].events
		n++
	}
	requests = append(requests, b.queue[:n]...)
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	b.appends -= appends
	b.events -= events
	return requests, b.closed
}

func (b *Batcher) commit(requests []*request) {
	batch := make([]Append, 0, len(requests))
	for _, r := range requests {
		batch = append(batch, r.appends...)
	}
	outcomes, err := b.write(batch)
	if err == nil && len(outcomes) != len(batch) {
		err = fmt.Errorf("%d outcomes for %d appends", len(outcomes), len(batch))
	}
	for _, r := range requests {
		if err != nil {
			r.outcomes <- result{err: fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)}
			continue
		}
		r.outcomes <- result{outcomes: outcomes[:len(r.appends)]}
		outcomes = outcomes[len(r.appends):]
	}
}
