package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotReached says that a projection did not reach a position in time.
var ErrNotReached = errors.New("the read model has not reached the position")

// WaitForPosition returns when all the named projections have applied the ledger up to a position, so that a client
// reads its own writes. It fails with [ErrNotReached] (and ctx's error) when ctx ends first; give ctx a deadline. It does not wait for a
// projection that has failed before the position, but fails with [ErrHalted].
//
// A projection in this process wakes the waiting. What others do, or a replica that answers queries has replayed, is noticed by
// polling: one of those who wait does it for all, and nobody when none waits.
func (db *DB) WaitForPosition(ctx context.Context, names []string, position uint64) error {
	if len(names) == 0 || position == 0 {
		return nil
	}
	asked := time.Now()
	for {
		reached, moved := db.progress.reached(names, position)
		if reached {
			return nil
		}
		select {
		case <-moved:
		case db.polling <- struct{}{}:
			err := db.poll(ctx, asked, moved)
			if err == nil && db.polled.After(asked) {
				asked = db.polled
				err = halted(db.places, names, position)
			}
			<-db.polling
			if err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w %d: %w", ErrNotReached, position, ctx.Err())
		}
	}
}

// poll reads the positions in the database that answers queries, when it is time to; sooner, something may have moved. What somebody
// else read after asked is new enough.
func (db *DB) poll(ctx context.Context, asked time.Time, moved <-chan struct{}) error {
	if db.polled.After(asked) {
		return nil
	}
	timer := time.NewTimer(time.Until(db.polled.Add(db.pollInterval)))
	defer timer.Stop()
	select {
	case <-moved:
		return nil
	case <-ctx.Done():
		return nil
	case <-timer.C:
	}
	places, err := List(ctx, db, scanPlace, `SELECT name, generation, position, state FROM projections WHERE serving = 1`)
	db.polled, db.places = time.Now(), places
	for _, at := range places {
		db.progress.advance(at.Checkpoint)
	}
	return err
}

// progress is what this process knows of the projections' positions. The zero value is ready.
type progress struct {
	mu          sync.Mutex
	checkpoints map[string]Checkpoint
	moved       chan struct{} // closed when a position grows
}

// advance records that a projection reached a position and wakes who waits for one. A new generation may begin at an earlier
// position than the one before it: see [DB.Reset].
func (p *progress) advance(to Checkpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.checkpoints == nil {
		p.checkpoints = map[string]Checkpoint{}
	}
	known := p.checkpoints[to.Name]
	if to.Generation < known.Generation || to.Generation == known.Generation && to.Position <= known.Position {
		return
	}
	p.checkpoints[to.Name] = to
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
		if p.checkpoints[name].Position < position {
			if p.moved == nil {
				p.moved = make(chan struct{})
			}
			return false, p.moved
		}
	}
	return true, nil
}
