package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels"
)

// beatsPerLease is how often an owner says that it lives while others wait for a lease to run out.
const beatsPerLease = 5

// keep keeps a projection that several processes may keep, one at a time, until ctx ends: the owner counts a beat up in the control
// table, and who sees it stand still for the length of a lease, by its own clock, takes the projection over. An owner that was
// only paused finds its checkpoint fenced, whatever it does next. So two never write, without any clocks being compared.
func (r *Runner) keep(ctx context.Context, l *line) {
	ticker := time.NewTicker(r.Lease / beatsPerLease)
	defer ticker.Stop()
	var seen readmodels.Ownership
	var since time.Time
	for {
		if l.owned() {
			r.beat(ctx, l)
		} else if found, err := r.ReadModels.Ownership(ctx, l.definition.Name); err == nil {
			if found != seen {
				seen, since = found, time.Now()
			}
			r.takeIfFree(ctx, l, found, time.Since(since) >= r.Lease)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// beat says that the owner lives, and does what others asked it for.
func (r *Runner) beat(ctx context.Context, l *line) {
	wanted, err := l.db.Beat(ctx, l.at())
	if errors.Is(err, readmodels.ErrFenced) {
		l.working.Lock() // unless it was a switch that moved the checkpoint on meanwhile
		_, err = l.db.Beat(ctx, l.at())
		l.working.Unlock()
		if errors.Is(err, readmodels.ErrFenced) {
			l.halt(ctx, readmodels.StateStopped, err)
		}
		return
	}
	if err != nil || !wanted {
		return
	}
	if err := l.db.WantRebuild(ctx, l.definition.Name, false); err != nil {
		return // and asked again with the next beat
	}
	if err := r.StartRebuild(l.definition.Name); err != nil {
		l.logger.WarnContext(ctx, "the rebuild that was asked for is not begun", "error", err)
	}
}

// takeIfFree takes a projection without an owner, or whose owner is silent. One that only a newer version of the program can continue
// is left to that: because that has filled the tables, unless somebody asks for a rebuild, or has written the next event.
func (r *Runner) takeIfFree(ctx context.Context, l *line, found readmodels.Ownership, silent bool) {
	if l.beyond(found) || found.Version > l.definition.Version && !found.RebuildWanted || found.Owner != "" && !silent {
		return
	}
	adopted, err := r.ReadModels.TakeOver(ctx, l.definition, found, r.Owner, r.Now())
	if err == nil {
		err = r.begin(ctx, l, adopted)
	}
	switch {
	case err == nil:
		l.logger.InfoContext(ctx, "keeping the projection", "before", found.Owner, "position", l.position())
	case errors.Is(err, readmodels.ErrFenced) || ctx.Err() != nil:
	default:
		l.logger.WarnContext(ctx, "the projection cannot be taken; trying again", "error", err)
	}
}

// adopt takes a projection whoever keeps it.
func (r *Runner) adopt(ctx context.Context, l *line) error {
	adopted, err := r.ReadModels.Adopt(ctx, l.definition, r.Owner, r.Now())
	if err != nil {
		return err
	}
	return r.begin(ctx, l, adopted)
}

// begin projects from where the rows of an adopted projection stand. Rows that are not those of the ledger are replaced by empty tables
// and rebuilt.
func (r *Runner) begin(ctx context.Context, l *line, adopted readmodels.Adopted) error {
	adopted, emptied, err := r.reconcile(ctx, l, adopted)
	if err != nil {
		return err
	}
	l.working.Lock()
	l.mu.Lock()
	l.own, l.checkpoint, l.version, l.state, l.problem = true, adopted.Checkpoint, adopted.Version, readmodels.StateRunning, ""
	l.mu.Unlock()
	l.working.Unlock()
	l.db.Announce(adopted.Checkpoint)
	if emptied || adopted.Version != l.definition.Version { // which this version cannot write
		return r.StartRebuild(l.definition.Name)
	}
	if adopted.Position == 0 { // the read models were lost, or a rebuild of rows that did not fit was broken off
		head, err := r.Store.Head(ctx)
		if err != nil {
			return fmt.Errorf("head of the ledger: %w", err)
		}
		if head > nearlyThere {
			return r.StartRebuild(l.definition.Name) // in bulk, many times faster than the feed
		}
	}
	r.feed.Release(l.definition.Name)
	return nil
}

// resign gives a projection up when the runner closes.
func (r *Runner) resign(l *line) error {
	if !l.stopped() || r.Lease == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resignTimeout)
	defer cancel()
	err := l.db.Resign(ctx, l.at())
	if errors.Is(err, readmodels.ErrFenced) {
		return nil
	}
	return err
}

// resignTimeout bounds a courtesy: without it the others wait for the lease to run out.
const resignTimeout = time.Second

// Keeps reports whether this process is the one that keeps a projection, as far as it knows, or one of those that kept it until an
// event of a newer version, after which nobody does.
func (r *Runner) Keeps(name string) bool {
	l := r.byName[name]
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own || l.newer.unowned
}

// position is where the projection stands.
func (l *line) position() event.Position { return event.Position(l.at().Position) }

// owned reports whether this process keeps the projection.
func (l *line) owned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own
}
