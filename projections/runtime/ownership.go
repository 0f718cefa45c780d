package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// heartbeatsPerLease is how many heartbeats an owner sends in the time after which others take a silent projection over.
const heartbeatsPerLease = 5

// own competes for a projection that one process at a time may own, until ctx ends. The owner increments a counter in the control table
// as its heartbeat. A process that sees no increment for the length of a lease, by its own clock, acquires the projection. An owner that
// was only paused then finds its checkpoint fenced. So two processes never write, and no clocks are compared.
func (r *Runner) own(ctx context.Context, w *worker) {
	ticker := time.NewTicker(r.Lease / heartbeatsPerLease)
	defer ticker.Stop()
	var seen store.Ownership
	var since time.Time
	for {
		if w.owned() {
			r.heartbeat(ctx, w)
		} else if found, err := r.ReadModels.Ownership(ctx, w.definition.Name); err == nil {
			if found != seen {
				seen, since = found, time.Now()
			}
			r.acquireIfFree(ctx, w, found, time.Since(since) >= r.Lease)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// heartbeat sends the owner's heartbeat, and begins a rebuild that another process requested.
func (r *Runner) heartbeat(ctx context.Context, w *worker) {
	wanted, err := w.db.Heartbeat(ctx, w.at())
	if errors.Is(err, store.ErrFenced) {
		w.working.Lock() // a switch to a rebuilt generation may have advanced the checkpoint meanwhile
		_, err = w.db.Heartbeat(ctx, w.at())
		w.working.Unlock()
		if errors.Is(err, store.ErrFenced) {
			w.stop(ctx, store.StateStopped, err)
		}
		return
	}
	if err != nil || !wanted {
		return
	}
	if err := w.db.RequestRebuild(ctx, w.definition.Name, false); err != nil {
		return // the next heartbeat finds the request again
	}
	if err := r.StartRebuild(w.definition.Name); err != nil {
		w.logger.WarnContext(ctx, "the requested rebuild could not be started", "error", err)
	}
}

// acquireIfFree acquires a projection that has no owner or whose owner is silent, unless only a newer version of the program can continue
// it: because that version filled the tables (and nobody requested a rebuild), or because it wrote the next event.
func (r *Runner) acquireIfFree(ctx context.Context, w *worker, found store.Ownership, silent bool) {
	if w.standsBeforeNewer(found) || found.Version > w.definition.Version && !found.RebuildWanted || found.Owner != "" && !silent {
		return
	}
	adopted, err := r.ReadModels.AcquireIf(ctx, w.definition, found, r.Owner, r.Now())
	if err == nil {
		err = r.start(ctx, w, adopted)
	}
	switch {
	case err == nil:
		w.logger.InfoContext(ctx, "acquired the projection", "previous_owner", found.Owner, "position", w.position())
	case errors.Is(err, store.ErrFenced) || ctx.Err() != nil:
	default:
		w.logger.WarnContext(ctx, "the projection could not be acquired; trying again", "error", err)
	}
}

// acquire acquires a projection, whoever owns it.
func (r *Runner) acquire(ctx context.Context, w *worker) error {
	adopted, err := r.ReadModels.Acquire(ctx, w.definition, r.Owner, r.Now())
	if err != nil {
		return err
	}
	return r.start(ctx, w, adopted)
}

// start projects from the checkpoint of an acquired projection. Rows that do not fit the ledger are replaced by empty tables and rebuilt.
func (r *Runner) start(ctx context.Context, w *worker, adopted store.Acquired) error {
	adopted, emptied, err := r.reconcile(ctx, w, adopted)
	if err != nil {
		return err
	}
	w.working.Lock()
	w.mu.Lock()
	w.own, w.checkpoint, w.version, w.state, w.problem = true, adopted.Checkpoint, adopted.Version, store.StateRunning, ""
	w.mu.Unlock()
	w.working.Unlock()
	w.db.Announce(adopted.Checkpoint)
	if emptied || adopted.Version != w.definition.Version { // tables that this version cannot write
		return r.StartRebuild(w.definition.Name)
	}
	if adopted.Position == 0 { // the read models are empty, or the rebuild of rows that did not fit was interrupted
		head, err := r.Store.Head(ctx)
		if err != nil {
			return fmt.Errorf("head of the ledger: %w", err)
		}
		if head > cutoverThreshold {
			return r.StartRebuild(w.definition.Name) // bulk projection is many times faster than the feed
		}
	}
	r.feed.Resume(w.definition.Name)
	return nil
}

// release gives up a projection when the runner closes.
func (r *Runner) release(w *worker) error {
	if !w.markStopped() || r.Lease == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	err := w.db.Release(ctx, w.at())
	if errors.Is(err, store.ErrFenced) {
		return nil
	}
	return err
}

// releaseTimeout bounds releasing a projection. Without a release, others wait until heartbeats are missing for the length of a lease.
const releaseTimeout = time.Second

// Owns reports whether this process owns a projection as far as it knows, or released it before an event of a newer version and nobody has
// acquired it since.
func (r *Runner) Owns(name string) bool {
	w := r.byName[name]
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own || w.newer.unowned
}

// position returns the projection's position.
func (w *worker) position() event.Position { return event.Position(w.at().Position) }

// owned reports whether this process owns the projection.
func (w *worker) owned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own
}
