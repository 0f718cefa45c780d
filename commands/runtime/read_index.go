package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// readIndex makes answers linearizable on a ledger that other instances append to: an answer waits until everything is applied that was
// in the ledger when the request came. The name is Raft's (Ongaro, "Consensus: Bridging Theory and Practice", section 6.4). Requests that
// come while the ledger is being read share the next reading.
//
// A nil readIndex is that of a ledger which no other instance appends to.
type readIndex struct {
	store     eventstore.Store
	apply     func([]event.Envelope) // takes the events of one append
	announced <-chan struct{}        // receives when another instance announces an append; nil: none does

	reading  chan struct{}  // holds a token while somebody reads
	position event.Position // everything up to here is applied; only the holder of the token may touch it

	mu   sync.Mutex
	next *batch // is read when the running one is done
}

// batch are the requests that one reading of the ledger serves. After done is closed, err is its outcome.
type batch struct {
	done chan struct{}
	err  error
}

const (
	// syncTimeout bounds one reading. It serves several requests and so has no deadline of its own.
	syncTimeout = 10 * time.Second
	// idleInterval is how often the ledger is read while there are no requests, so that the next request meets no backlog.
	idleInterval = 100 * time.Millisecond
)

// newReadIndex begins at the end of the ledger: nothing is folded yet.
func newReadIndex(store eventstore.Store, head event.Position, announced <-chan struct{}, apply func([]event.Envelope)) *readIndex {
	return &readIndex{store: store, apply: apply, announced: announced, reading: make(chan struct{}, 1), position: head, next: newBatch()}
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// sync returns when everything is applied that was in the ledger at the time of the call.
func (i *readIndex) sync(ctx context.Context) error {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	mine := i.next
	i.mu.Unlock()
	for {
		select {
		case <-mine.done:
			return mine.err
		case <-ctx.Done():
			return ctx.Err()
		case i.reading <- struct{}{}: // the request that gets the token reads for the whole batch
			i.serve(context.WithoutCancel(ctx), mine)
			<-i.reading
		}
	}
}

// serve reads the ledger for a batch, unless that was done.
func (i *readIndex) serve(ctx context.Context, b *batch) {
	i.mu.Lock()
	served := i.next != b
	if !served {
		i.next = newBatch()
	}
	i.mu.Unlock()
	if served {
		return
	}
	defer close(b.done)
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := i.readTail(ctx); err != nil {
		b.err = fmt.Errorf("catch up with the ledger: %w", err)
	}
}

// readTail applies what follows the position. Usually nothing does. So it asks for the head first, which every engine knows, while some
// would have to search behind the last event.
func (i *readIndex) readTail(ctx context.Context) error {
	head, err := i.store.Head(ctx)
	if err != nil || head == i.position {
		return err
	}
	if head < i.position {
		return fmt.Errorf("%w: the ledger ends at position %d, but position %d was read before: the ledger was restored to an earlier state",
			eventstore.ErrUnavailable, head, i.position)
	}
	var commit []event.Envelope // the events of one append
	for e, err := range i.store.ReadAll(ctx, i.position) {
		if err != nil {
			return err
		}
		if len(commit) > 0 && !sameAppend(commit[0], e) {
			i.applyCommit(commit)
			commit = commit[:0]
		}
		commit = append(commit, e)
	}
	if len(commit) > 0 {
		i.applyCommit(commit)
	}
	return nil
}

// applyCommit applies the events of one append together: nobody may see an aggregate with only some of what a command caused. An append is
// never read in part, because the head of the ledger is never within one.
func (i *readIndex) applyCommit(commit []event.Envelope) {
	i.apply(commit)
	i.position = commit[len(commit)-1].Position
}

// sameAppend reports whether two neighbours in the ledger were appended together.
func sameAppend(a, b event.Envelope) bool { return a.Stream == b.Stream && a.CommandID == b.CommandID }

// RunReadIndex keeps what is cached close behind a shared ledger until ctx ends. Answers do not depend on it, only how long they take.
func (r *Runtime) RunReadIndex(ctx context.Context, logger *slog.Logger) {
	i := r.readIndex
	if i == nil {
		return
	}
	ticker := time.NewTicker(idleInterval)
	defer ticker.Stop()
	for failing := false; ; {
		err := i.sync(ctx)
		if err != nil && ctx.Err() == nil && !failing && !errors.Is(err, eventstore.ErrClosed) {
			logger.WarnContext(ctx, "the ledger cannot be read; trying again", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-i.announced:
		}
	}
}
