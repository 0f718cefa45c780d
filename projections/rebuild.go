package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels"
)

// nearlyThere is how many events behind the serving generation a rebuilt one may be for the switch: they are applied while the
// live projection waits.
const nearlyThere = 2_000

// rebuildsAtOnce is how many rebuilds of a runner work at a time; the others queue. Each needs one snapshot in the end, and half of
// them are left to checksums.
const rebuildsAtOnce = readmodels.MaxSnapshots / 2

// Rebuilt is the outcome of a rebuild.
type Rebuilt struct {
	Generation int64
	Position   event.Position // where the new tables took over
	Checksum   string         // of the new tables at that position
	Replaced   string         // checksum of the old tables at the same position; empty when they stood elsewhere
}

// Same reports whether the new tables proved to hold what the old ones held.
func (r Rebuilt) Same() bool { return r.Checksum == r.Replaced }

// Rebuild makes a projection's tables anew from the first event on, beside those that serve and are kept up to date meanwhile,
// and switches over in the transaction that catches up. progress, if not nil, is told positions of the ledger: done grows
// to total, which grows when events are appended meanwhile. When Rebuild fails the old tables serve on, unless the result has
// a Generation: then the new ones do, and only their checksums are missing. Of several rebuilds two work at a time; the
// others wait with empty tables for their turn. A poisonous event fails it with [ErrPoison]; it
// also fails with [ErrUnknownProjection], [ErrRebuilding], [ErrStopped] or ctx's error.
func (r *Runner) Rebuild(ctx context.Context, name string, progress func(done, total uint64)) (Rebuilt, error) {
	l, err := r.beginRebuild(name)
	if err != nil {
		return Rebuilt{}, err
	}
	var rebuilt Rebuilt
	finished := make(chan struct{})
	if !r.task(func(life context.Context) {
		defer close(finished)
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		stop := context.AfterFunc(life, func() { cancel(ErrStopped) })
		defer stop()
		rebuilt, err = r.rebuild(ctx, l, progress)
		if err != nil && errors.Is(context.Cause(ctx), ErrStopped) {
			err = fmt.Errorf("%w: %w", ErrStopped, err)
		}
	}) {
		l.endRebuild(nil)
		return Rebuilt{}, ErrStopped
	}
	<-finished
	return rebuilt, err
}

// StartRebuild begins a rebuild that goes on until it is done or the runner is closed; [Runner.Status] tells its progress and
// the log its outcome. It fails with [ErrUnknownProjection], [ErrRebuilding] or [ErrStopped].
func (r *Runner) StartRebuild(name string) error {
	l, err := r.beginRebuild(name)
	if err != nil {
		return err
	}
	if !r.task(func(life context.Context) {
		_, _ = r.rebuild(life, l, nil) // logged and kept in the projection's state
	}) {
		l.endRebuild(nil)
		return ErrStopped
	}
	return nil
}

// RequestRebuild begins a rebuild like [Runner.StartRebuild], or asks the process for it that keeps the projection. It also fails
// with [readmodels.ErrNotFound] when nobody has begun to keep it.
func (r *Runner) RequestRebuild(ctx context.Context, name string) error {
	l := r.byName[name]
	if l == nil || l.owned() || r.Lease == 0 && !r.Standby {
		return r.StartRebuild(name)
	}
	return l.db.WantRebuild(ctx, name, true)
}

func (r *Runner) beginRebuild(name string) (*line, error) {
	l := r.byName[name]
	if l == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownProjection, name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.rebuild != nil:
		return nil, fmt.Errorf("%w: %s", ErrRebuilding, name)
	case l.state == readmodels.StateStopped:
		return nil, fmt.Errorf("%w: %s", ErrStopped, name)
	}
	l.rebuild = &rebuildProgress{}
	return l, nil
}

// endRebuild ends the state of rebuilding. A projection whose old tables cannot be written any more has failed with its rebuild.
func (l *line) endRebuild(err error) (failed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rebuild = nil
	if err == nil || l.version == l.definition.Version {
		return false
	}
	l.state, l.problem = readmodels.StateFailed, err.Error()
	return true
}

func (r *Runner) rebuild(ctx context.Context, l *line, progress func(done, total uint64)) (Rebuilt, error) {
	l.logger.InfoContext(ctx, "rebuilding the projection", "from_version", l.version, "to_version", l.definition.Version)
	rebuilt, err := r.build(ctx, l, progress)
	failed := l.endRebuild(err)
	switch {
	case err != nil && rebuilt.Generation != 0:
		l.logger.WarnContext(ctx, "the projection was rebuilt, but its content was not compared", "generation", rebuilt.Generation, "error", err)
	case err != nil && ctx.Err() != nil:
		l.logger.InfoContext(ctx, "the rebuild was given up; the old tables serve on")
	case err != nil:
		l.logger.ErrorContext(ctx, "the rebuild failed; the old tables serve on", "error", err)
		if failed {
			if err := l.db.Mark(ctx, l.at(), readmodels.StateFailed, err.Error(), l.now()); err != nil {
				l.logger.ErrorContext(ctx, "the projection's state could not be recorded", "error", err)
			}
		}
	default:
		l.logger.InfoContext(ctx, "the projection was rebuilt", "generation", rebuilt.Generation, "position", rebuilt.Position,
			"checksum", rebuilt.Checksum, "replaced_checksum", rebuilt.Replaced)
	}
	return rebuilt, err
}

// build builds a new generation and switches to it.
func (r *Runner) build(ctx context.Context, l *line, progress func(done, total uint64)) (rebuilt Rebuilt, err error) {
	building, err := l.db.BeginGeneration(ctx, l.definition, r.Owner, l.now())
	if err != nil {
		return Rebuilt{}, err
	}
	obsolete := building.Generation // what has to go in the end: the new tables until they serve, then the old ones
	defer func() {
		// Even when ctx has ended; what cannot be dropped now is dropped at the next start.
		err = errors.Join(err, l.db.DropGeneration(context.WithoutCancel(ctx), l.definition.Name, obsolete))
	}()
	head, err := r.Store.Head(ctx)
	if err != nil {
		return Rebuilt{}, fmt.Errorf("head of the ledger: %w", err)
	}
	l.rebuild.total.Store(uint64(head))
	select { // after the new generation was begun, so that all processes see it as being rebuilt
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return Rebuilt{}, ctx.Err()
	}
	if building, err = r.fill(ctx, l, building, progress); err != nil {
		return Rebuilt{}, err
	}
	// Before the live projection has to wait for the switch, so that it does not wait for a connection as well.
	conn, err := l.db.SnapshotConn(ctx)
	if err != nil {
		return Rebuilt{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	m, err := r.switchTo(ctx, l, building, conn)
	if m.serving.Generation != 0 {
		obsolete = m.replaced.Generation
		rebuilt = Rebuilt{Generation: m.serving.Generation, Position: event.Position(m.serving.Position)}
	}
	if err == nil {
		err = l.prove(ctx, m, &rebuilt)
	}
	return rebuilt, errors.Join(err, m.close())
}

// fill projects the ledger into a new generation until it is close behind its end, indexes included.
func (r *Runner) fill(ctx context.Context, l *line, at readmodels.Checkpoint, progress func(done, total uint64)) (readmodels.Checkpoint, error) {
	for indexed := false; ; {
		head, err := r.Store.Head(ctx)
		if err != nil {
			return at, fmt.Errorf("head of the ledger: %w", err)
		}
		if indexed && uint64(head)-at.Position <= nearlyThere {
			return at, nil
		}
		l.rebuild.total.Store(uint64(head))
		if at, err = l.bulk(ctx, r.Store, at, 0, func(to readmodels.Checkpoint) {
			l.rebuild.total.Store(max(l.rebuild.total.Load(), to.Position))
			l.rebuild.done.Store(to.Position)
			if progress != nil {
				progress(to.Position, l.rebuild.total.Load())
			}
		}); err != nil {
			return at, err
		}
		if !indexed {
			if err := l.db.IndexGeneration(ctx, l.definition, at); err != nil {
				return at, err
			}
			indexed = true
		}
	}
}

// moment is the switch from one generation to another, with the content of both as it was then: nobody writes the replaced one any
// more, so one snapshot shows both.
type moment struct {
	replaced, serving readmodels.Checkpoint // serving is empty if there was no switch
	content           *readmodels.Snapshot  // nil if there was no switch, or no snapshot of it
}

func (m moment) close() error {
	if m.content == nil {
		return nil
	}
	return m.content.Close()
}

// switchTo makes the new generation serve, at the position of the old one or beyond. The live projection waits meanwhile.
func (r *Runner) switchTo(ctx context.Context, l *line, building readmodels.Checkpoint, conn *readmodels.SnapshotConn) (m moment, err error) {
	l.working.Lock()
	defer l.working.Unlock()
	m.replaced = l.at()
	last, err := r.between(ctx, l, building.Position, m.replaced.Position)
	if err != nil {
		return m, err
	}
	changes, _, err := l.changes(ctx, building, last)
	if err != nil {
		return m, err
	}
	to := lastOf(last, building.LastEvent)
	if m.serving, err = l.db.Switch(ctx, l.definition, m.replaced, building, to, changes, l.now()); err != nil {
		return m, err
	}
	l.mu.Lock()
	l.state, l.problem, l.version = readmodels.StateRunning, "", l.definition.Version
	l.mu.Unlock()
	l.moved(m.serving)
	r.feed.Release(l.definition.Name)
	m.content, err = conn.Snapshot(ctx, l.definition)
	return m, err
}

// between reads the events after one position up to another.
func (r *Runner) between(ctx context.Context, l *line, after, upTo uint64) ([]decoded, error) {
	if after >= upTo {
		return nil, nil
	}
	var run []decoded
	for e, err := range r.Store.ReadAll(ctx, event.Position(after)) {
		if err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		if uint64(e.Position) > upTo {
			break
		}
		d := decoded{}
		d.Event, d.err = l.decode(e)
		d.Envelope = e
		run = append(run, d)
	}
	return run, nil
}

// prove compares the content of the new tables with that of the old ones at the moment of the switch.
func (l *line) prove(ctx context.Context, m moment, rebuilt *Rebuilt) (err error) {
	if rebuilt.Checksum, err = m.content.Checksum(ctx); err != nil {
		return err
	}
	replaced, err := m.content.Generation(ctx, m.replaced.Generation)
	if err != nil {
		return err
	}
	if replaced.Position() == m.content.Position() {
		if rebuilt.Replaced, err = replaced.Checksum(ctx); err != nil {
			return err
		}
	}
	return l.db.RecordChecksum(ctx, m.serving, rebuilt.Checksum)
}
