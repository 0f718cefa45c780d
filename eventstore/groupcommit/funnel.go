// Package groupcommit lets many concurrent appends share one durable commit. It is what every SQL engine of the event
// store is built on, and it knows no SQL: an engine gives it a function that writes a batch in one transaction.
//
// A [Funnel] queues appends and hands them to that function in batches; [Decide] says, inside the transaction, which appends
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
	// maxQueuedEvents bounds the memory of the queue when appends are large.
	maxQueuedEvents = 8 * MaxEventsPerBatch
)

// Append is one caller's append, as given to [eventstore.Store].
type Append struct {
	Stream   string
	Expected event.Revision
	Events   []event.Pending
}

// Outcome is what became of one append of a batch.
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

// Funnel is a bounded queue of appends with a single writer behind it. It is safe for concurrent use.
type Funnel struct {
	write    WriteBatch
	capacity int

	mu      sync.Mutex
	queue   []*request // waiting to be taken up, oldest first
	appends int        // in the queue
	events  int        // in the queue
	closed  bool

	wake chan struct{} // holds a token when the writer has something to look at
	done chan struct{} // closed when the writer has ended
}

// request is what one caller wants to be stored: one append, or several in their order.
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

// NewFunnel starts a funnel that queues up to capacity appends for write. It runs until Close.
func NewFunnel(capacity int, write WriteBatch) *Funnel {
	f := &Funnel{write: write, capacity: capacity, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go f.run()
	return f
}

// Append queues an append and waits for its outcome. It fails with [eventstore.ErrInvalidAppend], [eventstore.ErrBusy] when the
// queue is full, [eventstore.ErrClosed], ctx's error, or what the batch's write answered.
//
// When ctx ends before the append was taken up, the append is withdrawn; when it ends later, Append returns ctx's error
// at once although the append may still be stored. The payload bytes are not copied: they must not be changed anymore.
func (f *Funnel) Append(ctx context.Context, a Append) (eventstore.Commit, error) {
	outcomes, err := f.store(ctx, a)
	if err != nil {
		return eventstore.Commit{}, err
	}
	return outcomes[0].Commit, outcomes[0].Err
}

// AppendInOrder queues several appends, to be stored in one commit and in the order given, with nothing of others between them.
// It fails as Append does, with the first failure among them: the others may be stored. There are at most [MaxAppendsPerBatch], with
// at most [MaxEventsPerBatch] events.
func (f *Funnel) AppendInOrder(ctx context.Context, appends []Append) error {
	events := 0
	for _, a := range appends {
		events += len(a.Events)
	}
	if len(appends) > MaxAppendsPerBatch || events > MaxEventsPerBatch {
		return fmt.Errorf("%w: %d appends of %d events in one commit, at most %d of %d are allowed",
			eventstore.ErrInvalidAppend, len(appends), events, MaxAppendsPerBatch, MaxEventsPerBatch)
	}
	outcomes, err := f.store(ctx, appends...)
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

// store queues a request and waits for what becomes of it.
func (f *Funnel) store(ctx context.Context, appends ...Append) ([]Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, a := range appends {
		if err := eventstore.Check(a.Stream, a.Events); err != nil {
			return nil, err
		}
	}
	r := newRequest(appends...)
	if err := f.enqueue(r); err != nil {
		return nil, err
	}
	select {
	case stored := <-r.outcomes:
		return stored.outcomes, stored.err
	case <-ctx.Done():
		f.withdraw(r)
		return nil, ctx.Err()
	}
}

// Close lets the writer finish the batch it has taken up, answers the appends still queued with [eventstore.ErrClosed] and
// refuses new ones. It returns when the writer has ended, and may be called again.
func (f *Funnel) Close() {
	f.mu.Lock()
	f.closed = true
	waiting := f.queue
	f.queue, f.appends, f.events = nil, 0, 0
	f.mu.Unlock()
	for _, r := range waiting {
		r.outcomes <- result{err: eventstore.ErrClosed}
	}
	f.signal()
	<-f.done
}

func (f *Funnel) enqueue(r *request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return eventstore.ErrClosed
	case f.appends >= f.capacity, f.events+r.events > maxQueuedEvents:
		return fmt.Errorf("%w: %d appends are waiting", eventstore.ErrBusy, f.appends)
	}
	f.queue = append(f.queue, r)
	f.appends += len(r.appends)
	f.events += r.events
	f.signal()
	return nil
}

// withdraw removes a request from the queue if the writer has not taken it up yet.
func (f *Funnel) withdraw(r *request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, queued := range f.queue {
		if queued == r {
			f.queue = append(f.queue[:i], f.queue[i+1:]...)
			f.appends -= len(r.appends)
			f.events -= r.events
			return
		}
	}
}

func (f *Funnel) signal() {
	select {
	case f.wake <- struct{}{}:
	default: // the writer will look anyway
	}
}

func (f *Funnel) run() {
	defer close(f.done)
	for range f.wake {
		// The callers of the last batch are just being woken; let them queue their next append first, so that
		// batches stay full under load.
		runtime.Gosched()
		for {
			taken, closed := f.take()
			if len(taken) > 0 {
				f.commit(taken)
				continue
			}
			if closed {
				return
			}
			break
		}
	}
}

// take removes the next batch from the queue.
func (f *Funnel) take() (taken []*request, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, appends, events := 0, 0, 0
	for n < len(f.queue) && appends+len(f.queue[n].appends) <= MaxAppendsPerBatch && events+f.queue[n].events <= MaxEventsPerBatch {
		appends += len(f.queue[n].appends)
		events += f.queue[n].events
		n++
	}
	taken = append(taken, f.queue[:n]...)
	rest := copy(f.queue, f.queue[n:])
	clear(f.queue[rest:])
	f.queue = f.queue[:rest]
	f.appends -= appends
	f.events -= events
	return taken, f.closed
}

func (f *Funnel) commit(taken []*request) {
	batch := make([]Append, 0, len(taken))
	for _, r := range taken {
		batch = append(batch, r.appends...)
	}
	outcomes, err := f.write(batch)
	if err == nil && len(outcomes) != len(batch) {
		err = fmt.Errorf("%d outcomes for %d appends", len(outcomes), len(batch))
	}
	for _, r := range taken {
		if err != nil {
			r.outcomes <- result{err: fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)}
			continue
		}
		r.outcomes <- result{outcomes: outcomes[:len(r.appends)]}
		outcomes = outcomes[len(r.appends):]
	}
}
