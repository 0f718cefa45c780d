package readmodels

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotReached says that a projection did not reach a position in time.
var ErrNotReached = errors.New("the read model has not reached the position")

// pollInterval is how often the control table is read while waiting, for projections that run in another process.
const pollInterval = 100 * time.Millisecond

// WaitForPosition returns when all the named projections have applied the ledger up to a position, so that a client
// reads its own writes. It fails with [ErrNotReached] (and ctx's error) when ctx ends first; give ctx a deadline.
//
// A projection in this process wakes the waiting; others are noticed by polling.
func (db *DB) WaitForPosition(ctx context.Context, names []string, position uint64) error {
	if len(names) == 0 || position == 0 {
		return nil
	}
	poll := time.NewTimer(0)
	defer poll.Stop()
	for {
		reached, moved := db.progress.reached(names, position)
		if reached {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w %d: %w", ErrNotReached, position, ctx.Err())
		case <-moved:
		case <-poll.C:
			stored, err := db.positions(ctx)
			if err != nil && ctx.Err() == nil {
				return err
			}
			for name, at := range stored {
				db.progress.advance(name, at)
			}
			poll.Reset(pollInterval)
		}
	}
}

func (db *DB) positions(ctx context.Context) (map[string]uint64, error) {
	stored, err := db.Projections(ctx)
	if err != nil {
		return nil, err
	}
	positions := make(map[string]uint64, len(stored))
	for _, p := range stored {
		positions[p.Name] = p.Position
	}
	return positions, nil
}

// progress is what this process knows of the projections' positions. The zero value is ready.
type progress struct {
	mu        sync.Mutex
	positions map[string]uint64
	moved     chan struct{} // closed when a position grows
}

// advance records that a projection reached a position and wakes who waits for one.
func (p *progress) advance(name string, position uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.positions == nil {
		p.positions = map[string]uint64{}
	}
	if position <= p.positions[name] {
		return
	}
	p.positions[name] = position
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
}

// reached reports whether all the projections are at the position, and otherwise returns what is closed when one moves on.
func (p *progress) reached(names []string, position uint64) (bool, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if p.positions[name] < position {
			if p.moved == nil {
				p.moved = make(chan struct{})
			}
			return false, p.moved
		}
	}
	return true, nil
}
