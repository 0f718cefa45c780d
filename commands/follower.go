package commands

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

// follower reads what other instances append to the ledger, so that what this one has folded never answers for less than the
// ledger holds. It is what Raft calls a read index: an answer waits until everything is known that was in the ledger when the
// question came. Questions that come while one round reads share the next.
//
// A nil follower is that of a ledger which nobody else appends to.
type follower struct {
	store eventstore.Store
	apply func([]event.Envelope) // takes the events of one append
	grown <-chan struct{}        // receives when another instance tells of an append; nil when none does

	reading  chan struct{}  // holds a token while a round reads
	position event.Position // read up to here; the holder of the token's

	mu   sync.Mutex
	next *round // begins when the running one is done
}

// round is one look at the end of the ledger. After done is closed, err is its outcome.
type round struct {
	done chan struct{}
	err  error
}

const (
	// roundTimeout bounds a round, which serves several questions and so has no deadline of its own.
	roundTimeout = 10 * time.Second
	// idleInterval is how often the ledger is read while nobody asks, so that who asks next need not wait for a backlog.
	idleInterval = 100 * time.Millisecond
)

// newFollower begins at the end of the ledger: nothing is folded yet.
func newFollower(store eventstore.Store, head event.Position, grown <-chan struct{}, apply func([]event.Envelope)) *follower {
	return &follower{store: store, apply: apply, grown: grown, reading: make(chan struct{}, 1), position: head, next: newRound()}
}

func newRound() *round { return &round{done: make(chan struct{})} }

// catchUp returns when everything was applied that stood in the ledger at the time of the call.
func (f *follower) catchUp(ctx context.Context) error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	mine := f.next
	f.mu.Unlock()
	for {
		select {
		case <-mine.done:
			return mine.err
		case <-ctx.Done():
			return ctx.Err()
		case f.reading <- struct{}{}: // whoever of the waiting gets it reads for all of them
			f.read(context.WithoutCancel(ctx), mine)
			<-f.reading
		}
	}
}

// read carries out a round, unless somebody has.
func (f *follower) read(ctx context.Context, r *round) {
	f.mu.Lock()
	done := f.next != r
	if !done {
		f.next = newRound()
	}
	f.mu.Unlock()
	if done {
		return
	}
	defer close(r.done)
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	if err := f.readOn(ctx); err != nil {
		r.err = fmt.Errorf("catch up with the ledger: %w", err)
	}
}

// readOn applies what follows the position. Most of the time nothing does, which is why the head is asked first: engines know it, while
// some would search through what others keep beside the ledger.
func (f *follower) readOn(ctx context.Context) error {
	head, err := f.store.Head(ctx)
	if err != nil || head == f.position {
		return err
	}
	if head < f.position {
		return fmt.Errorf("%w: the ledger ends at position %d, and %d was read before: it was put back to an earlier state", eventstore.ErrUnavailable, head, f.position)
	}
	var together []event.Envelope
	for e, err := range f.store.ReadAll(ctx, f.position) {
		if err != nil {
			return err
		}
		if len(together) > 0 && !sameAppend(together[0], e) {
			f.applied(together)
			together = together[:0]
		}
		together = append(together, e)
	}
	if len(together) > 0 {
		f.applied(together)
	}
	return nil
}

// applied applies the events of one append, at once: nobody may see an aggregate that has only some of what a command caused.
// An append cannot have been read in part, since the end of the ledger is never within one.
func (f *follower) applied(together []event.Envelope) {
	f.apply(together)
	f.position = together[len(together)-1].Position
}

// sameAppend reports whether two neighbors in the ledger were appended together.
func sameAppend(a, b event.Envelope) bool { return a.Stream == b.Stream && a.CommandID == b.CommandID }

// run follows the ledger until ctx ends.
func (f *follower) run(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(idleInterval)
	defer ticker.Stop()
	for failing := false; ; {
		err := f.catchUp(ctx)
		if err != nil && ctx.Err() == nil && !failing && !errors.Is(err, eventstore.ErrClosed) {
			logger.WarnContext(ctx, "the ledger cannot be followed; trying again", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-f.grown:
		}
	}
}
