package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// ErrForeignRows says that read models which several processes share are derived from another installation's ledger.
var ErrForeignRows = errors.New("the read models belong to another installation")

// Misfit says why rows are not those of the ledger; it is empty when they are. Rows fit when they are this installation's and the ledger
// holds, at the position where they stand, the event whose hash they name. Rows of an older version name neither.
func Misfit(ctx context.Context, ledger eventstore.Store, present store.Origin, rows store.Acquired) (why string, err error) {
	if rows.Origin.Installation != "" && rows.Origin.Installation != present.Installation {
		return fmt.Sprintf("its rows are those of installation %s", rows.Origin.Installation), nil
	}
	if rows.Position == 0 {
		return "", nil
	}
	last, err := ledger.ReadEvent(ctx, event.Position(rows.Position))
	switch {
	case errors.Is(err, eventstore.ErrEventNotFound):
		return fmt.Sprintf("it stands at position %d, where the ledger holds no event", rows.Position), nil
	case err != nil:
		return "", fmt.Errorf("read the event at position %d: %w", rows.Position, err)
	case rows.Hash != "" && rows.Hash != last.Hash().String():
		return fmt.Sprintf("the ledger holds another event at position %d", rows.Position), nil
	}
	return "", nil
}

// reconcile compares the rows of an acquired projection with the ledger. It replaces rows that do not fit by empty tables.
func (r *Runner) reconcile(ctx context.Context, w *worker, adopted store.Acquired) (_ store.Acquired, emptied bool, err error) {
	why, err := Misfit(ctx, r.Store, r.ReadModels.Origin(), adopted)
	if err != nil {
		return adopted, false, err
	}
	if why == "" {
		if adopted.Origin == r.ReadModels.Origin() {
			return adopted, false, nil
		}
		return adopted, false, r.ReadModels.Confirm(ctx, adopted.Checkpoint)
	}
	w.logger.WarnContext(ctx, "the projection does not fit the ledger and is rebuilt from its first event", "reason", why)
	at, err := r.ReadModels.Reset(ctx, w.definition, adopted.Checkpoint, r.Owner, r.Now())
	if err != nil {
		return adopted, false, err
	}
	return store.Acquired{Checkpoint: at, Version: w.definition.Version, Origin: r.ReadModels.Origin()}, true, nil
}

// requireFit checks read models that several processes share. It refuses rows of another installation, whose processes may be writing
// them. It replaces rows that do not fit the ledger before anybody here can see them.
func (r *Runner) requireFit(ctx context.Context, w *worker) error {
	origins, err := r.ReadModels.Origins(ctx)
	if err != nil {
		return err
	}
	for _, rows := range origins {
		if rows.Name != w.definition.Name {
			continue
		}
		if other := rows.Origin.Installation; other != "" && other != r.ReadModels.Origin().Installation {
			return fmt.Errorf("%w: projection %s is that of installation %s", ErrForeignRows, rows.Name, other)
		}
		why, err := Misfit(ctx, r.Store, r.ReadModels.Origin(), rows)
		if err != nil || why == "" {
			return err
		}
		if r.Standby {
			return fmt.Errorf("%w: %s: %s", ErrMisfit, rows.Name, why)
		}
		return r.acquire(ctx, w)
	}
	return nil
}

// ErrMisfit says that rows are not those of the ledger, and that this process may not rebuild them.
var ErrMisfit = errors.New("the read models do not fit the ledger")
