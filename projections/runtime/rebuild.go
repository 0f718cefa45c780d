package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// cutoverThreshold is how many events a rebuilt generation may be behind the serving one when the switch begins. They are applied while
// the live projection waits.
const cutoverThreshold = 2_000

// parallelRebuilds is how many rebuilds of a runner run at a time; the others queue. Each needs one snapshot in the end, and half of the
// snapshots remain for checksums.
const parallelRebuilds = store.MaxSnapshots / 2

// Rebuilt is the outcome of a rebuild.
type Rebuilt struct {
	Generation int64
	Position   event.Position // where the new tables took over
	Checksum   string         // of the new tables at that position
	Replaced   string         // checksum of the old tables at the same position; empty when they were at another one
}

// Same reports whether the new tables have the content of the old ones.
func (r Rebuilt) Same() bool { return r.Checksum == r.Replaced }

// Rebuild fills new tables of a projection from the first event on, while the old ones serve and follow the ledger, and switches over in
// the transaction that catches up. progress, if not nil, is called with positions of the ledger: done grows to total, which grows when
// events are appended meanwhile. When Rebuild fails, the old tables continue to serve, unless the result has a Generation: then the new
// ones serve, and only their checksums are missing. Two rebuilds run at a time; the others queue. It fails with [ErrPoison] at an event
// that cannot be projected, and with [ErrUnknownProjection], [ErrRebuilding], [ErrStopped] or ctx's error.
func (r *Runner) Rebuild(ctx context.Context, name string, progress func(done, total uint64)) (Rebuilt, error) {
	w, err := r.beginRebuild(name)
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
		rebuilt, err = r.rebuild(ctx, w, progress)
		if err != nil && errors.Is(context.Cause(ctx), ErrStopped) {
			err = fmt.Errorf("%w: %w", ErrStopped, err)
		}
	}) {
		w.endRebuild(nil)
		return Rebuilt{}, ErrStopped
	}
	<-finished
	return rebuilt, err
}

// StartRebuild starts a rebuild that runs until it is done or the runner is closed. [Runner.Status] has its progress, and the log its
// outcome. It fails with [ErrUnknownProjection], [ErrRebuilding] or [ErrStopped].
func (r *Runner) StartRebuild(name string) error {
	w, err := r.beginRebuild(name)
	if err != nil {
		return err
	}
	if !r.task(func(life context.Context) {
		_, _ = r.rebuild(life, w, nil) // the outcome is logged and recorded in the projection's state
	}) {
		w.endRebuild(nil)
		return ErrStopped
	}
	return nil
}

// RequestRebuild starts a rebuild like [Runner.StartRebuild], or requests it from the process that owns the projection. It also fails with
// [store.ErrNotFound] when no process has owned the projection yet.
func (r *Runner) RequestRebuild(ctx context.Context, name string) error {
	w := r.byName[name]
	if w == nil || w.owned() || r.Lease == 0 && !r.Standby {
		return r.StartRebuild(name)
	}
	return w.db.RequestRebuild(ctx, name, true)
}

func (r *Runner) beginRebuild(name string) (*worker, error) {
	w := r.byName[name]
	if w == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownProjection, name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.rebuild != nil:
		return nil, fmt.Errorf("%w: %s", ErrRebuilding, name)
	case w.state == store.StateStopped:
		return nil, fmt.Errorf("%w: %s", ErrStopped, name)
	}
	w.rebuild = &rebuildProgress{}
	return w, nil
}

// endRebuild ends the state of rebuilding. If this version cannot write the old tables, the projection has failed with its rebuild.
func (w *worker) endRebuild(err error) (failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rebuild = nil
	if err == nil || w.version == w.definition.Version {
		return false
	}
	w.state, w.problem = store.StateFailed, err.Error()
	return true
}

func (r *Runner) rebuild(ctx context.Context, w *worker, progress func(done, total uint64)) (Rebuilt, error) {
	w.logger.InfoContext(ctx, "rebuilding the projection", "from_version", w.version, "to_version", w.definition.Version)
	rebuilt, err := r.build(ctx, w, progress)
	failed := w.endRebuild(err)
	switch {
	case err != nil && rebuilt.Generation != 0:
		w.logger.WarnContext(ctx, "the projection was rebuilt, but its content was not compared", "generation", rebuilt.Generation, "error", err)
	case err != nil && ctx.Err() != nil:
		w.logger.InfoContext(ctx, "the rebuild was cancelled; the old tables continue to serve")
	case err != nil:
		w.logger.ErrorContext(ctx, "the rebuild failed; the old tables continue to serve", "error", err)
		if failed {
			if err := w.db.Mark(ctx, w.at(), store.StateFailed, err.Error(), w.now()); err != nil {
				w.logger.ErrorContext(ctx, "the projection's state could not be recorded", "error", err)
			}
		}
	default:
		w.logger.InfoContext(ctx, "the projection was rebuilt", "generation", rebuilt.Generation, "position", rebuilt.Position,
			"checksum", rebuilt.Checksum, "replaced_checksum", rebuilt.Replaced)
	}
	return rebuilt, err
}

// build builds a new generation and switches to it.
func (r *Runner) build(ctx context.Context, w *worker, progress func(done, total uint64)) (rebuilt Rebuilt, err error) {
	building, err := w.db.BeginGeneration(ctx, w.definition, r.Owner, w.now())
	if err != nil {
		return Rebuilt{}, err
	}
	obsolete := building.Generation // is dropped in the end: the new tables until they serve, then the old ones
	defer func() {
		// Also when ctx has ended. Tables that cannot be dropped now are dropped at the next start.
		err = errors.Join(err, w.db.DropGeneration(context.WithoutCancel(ctx), w.definition.Name, obsolete))
	}()
	head, err := r.Store.Head(ctx)
	if err != nil {
		return Rebuilt{}, fmt.Errorf("head of the ledger: %w", err)
	}
	w.rebuild.total.Store(uint64(head))
	select { // after BeginGeneration, so that all processes see that the projection is being rebuilt
	case r.rebuildSlots <- struct{}{}:
		defer func() { <-r.rebuildSlots }()
	case <-ctx.Done():
		return Rebuilt{}, ctx.Err()
	}
	if building, err = r.catchUp(ctx, w, building, progress); err != nil {
		return Rebuilt{}, err
	}
	// Get the connection first: the live projection waits during the switch, and must not wait for a connection as well.
	conn, err := w.db.SnapshotConn(ctx)
	if err != nil {
		return Rebuilt{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	m, err := r.switchTo(ctx, w, building, conn)
	if m.serving.Generation != 0 {
		obsolete = m.replaced.Generation
		rebuilt = Rebuilt{Generation: m.serving.Generation, Position: event.Position(m.serving.Position)}
	}
	if err == nil {
		err = w.compareChecksums(ctx, m, &rebuilt)
	}
	return rebuilt, errors.Join(err, m.close())
}

// catchUp projects the ledger into a new generation until it is close to the head, and creates the indexes.
func (r *Runner) catchUp(ctx context.Context, w *worker, at store.Checkpoint, progress func(done, total uint64)) (store.Checkpoint, error) {
	for indexed := false; ; {
		head, err := r.Store.Head(ctx)
		if err != nil {
			return at, fmt.Errorf("head of the ledger: %w", err)
		}
		if indexed && uint64(head)-at.Position <= cutoverThreshold {
			return at, nil
		}
		w.rebuild.total.Store(uint64(head))
		if at, err = w.bulk(ctx, r.Store, at, 0, func(to store.Checkpoint) {
			w.rebuild.total.Store(max(w.rebuild.total.Load(), to.Position))
			w.rebuild.done.Store(to.Position)
			if progress != nil {
				progress(to.Position, w.rebuild.total.Load())
			}
		}); err != nil {
			return at, err
		}
		if !indexed {
			if err := w.db.IndexGeneration(ctx, w.definition, at); err != nil {
				return at, err
			}
			indexed = true
		}
	}
}

// cutover is the switch from one generation to another, with a snapshot of both. One snapshot is enough, because nobody writes to the
// replaced generation any more.
type cutover struct {
	replaced, serving store.Checkpoint // serving is empty if there was no switch
	content           *store.Snapshot  // nil if there was no switch or no snapshot
}

func (m cutover) close() error {
	if m.content == nil {
		return nil
	}
	return m.content.Close()
}

// switchTo lets the new generation serve, at the position of the old one or later. The live projection waits meanwhile.
func (r *Runner) switchTo(ctx context.Context, w *worker, building store.Checkpoint, conn *store.SnapshotConn) (m cutover, err error) {
	w.working.Lock()
	defer w.working.Unlock()
	m.replaced = w.at()
	last, err := r.readRange(ctx, w, building.Position, m.replaced.Position)
	if err != nil {
		return m, err
	}
	changes, _, err := w.changes(ctx, building, last)
	if err != nil {
		return m, err
	}
	to := lastOf(last, building.LastEvent)
	if m.serving, err = w.db.Switch(ctx, w.definition, m.replaced, building, to, changes, w.now()); err != nil {
		return m, err
	}
	w.mu.Lock()
	w.state, w.problem, w.version = store.StateRunning, "", w.definition.Version
	w.mu.Unlock()
	w.advance(m.serving)
	r.feed.Resume(w.definition.Name)
	m.content, err = conn.Snapshot(ctx, w.definition)
	return m, err
}

// readRange reads the events after one position up to another.
func (r *Runner) readRange(ctx context.Context, w *worker, after, upTo uint64) ([]decoded, error) {
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
		d.Event, d.err = w.decode(e)
		d.Envelope = e
		run = append(run, d)
	}
	return run, nil
}

// compareChecksums computes the checksums of the new and the old tables at the switch, and records that of the new ones.
func (w *worker) compareChecksums(ctx context.Context, m cutover, rebuilt *Rebuilt) (err error) {
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
	return w.db.RecordChecksum(ctx, m.serving, rebuilt.Checksum)
}
