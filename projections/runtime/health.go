package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

var (
	// ErrFailed says that a projection stopped before an event it cannot project, and does not go on by itself.
	ErrFailed = errors.New("the projection has failed")
	// ErrNotWriting says that a projection cannot write its rows right now. It tries again until it can.
	ErrNotWriting = errors.New("the projection cannot write its rows")
	// ErrNewerTables says that a newer version of the program filled the tables of a projection, and no instance of it is there to
	// continue. A rebuild replaces them by tables of this version.
	ErrNewerTables = errors.New("a newer version of the program filled the tables of the projection, and no instance continues it")
)

// Names lists the projections, in the order they were given.
func (r *Runner) Names() []string {
	names := make([]string, len(r.workers))
	for i, w := range r.workers {
		names[i] = w.definition.Name
	}
	return names
}

// Health returns nil while a projection follows the ledger, here or in another process. Otherwise it returns why not: an
// [event.UnknownTypeError] when a newer version of the program wrote the next event, [ErrFailed] for any other event that cannot be
// projected, [ErrNotWriting], and [ErrNewerTables].
func (r *Runner) Health(ctx context.Context, name string) error {
	w := r.byName[name]
	if w == nil {
		return fmt.Errorf("%w: %q", ErrUnknownProjection, name)
	}
	status, own := w.status(0)
	if !own && (r.Lease > 0 || r.Standby) {
		stored, err := r.ReadModels.Projections(ctx)
		if err != nil {
			return err
		}
		for _, s := range stored {
			if s.Name == name {
				status = s
			}
		}
		if err := r.checkContinued(ctx, w, status); err != nil {
			return err
		}
	}
	switch {
	case status.State == store.StateFailed:
		return r.failure(ctx, status)
	case own && status.State == store.StateRunning && status.Error != "":
		return fmt.Errorf("%w: %s", ErrNotWriting, status.Error)
	default:
		return nil
	}
}

// checkContinued returns an error when no running process can continue a projection whose tables a newer version of the program filled.
func (r *Runner) checkContinued(ctx context.Context, w *worker, status store.ProjectionStatus) error {
	if status.Version <= w.definition.Version {
		return nil
	}
	found, err := r.ReadModels.Ownership(ctx, status.Name)
	if err == nil && found.Owner == "" && found.Version > w.definition.Version {
		err = fmt.Errorf("%w: %s has version %d, this program knows %d", ErrNewerTables, status.Name, found.Version, w.definition.Version)
	}
	return err
}

// failure returns why a projection has failed: because a newer version of the program wrote the next event, or for another reason.
func (r *Runner) failure(ctx context.Context, status store.ProjectionStatus) error {
	for next, err := range r.Store.ReadAll(ctx, event.Position(status.Position)) {
		if err == nil {
			err = r.Registry.Knows(next)
		}
		if err != nil {
			return fmt.Errorf("projection %s: %w", status.Name, err)
		}
		break
	}
	return fmt.Errorf("%w: %s: %s", ErrFailed, status.Name, status.Error)
}

// Await returns when all the named projections have applied the ledger up to a position, as [store.DB.WaitForPosition] does.
// It does not wait for a projection that has failed: the error is then that of [Runner.Health].
func (r *Runner) Await(ctx context.Context, names []string, position uint64) error {
	err := r.ReadModels.WaitForPosition(ctx, names, position)
	if !errors.Is(err, store.ErrHalted) {
		return err
	}
	for _, name := range names {
		if standing := r.Health(ctx, name); standing != nil {
			return standing
		}
	}
	return err
}
