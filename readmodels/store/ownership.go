package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Ownership tells who writes a projection. The heartbeat grows while the owner lives.
type Ownership struct {
	Owner   string // empty: nobody
	Version int    // of the projector that filled the serving tables; 0 before there are any
	// Position is that of the last event whose rows are there.
	Position uint64
	// RebuildWanted says that somebody has asked for a rebuild.
	RebuildWanted bool

	epoch     int64
	heartbeat int64
}

// Ownership returns what is recorded of a projection; the zero value when it is not there yet.
func (db *DB) Ownership(ctx context.Context, name string) (o Ownership, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err = db.write.QueryRowContext(ctx,
		`SELECT owner, version, position, rebuild_wanted, epoch, beat FROM projections WHERE name = $1 AND serving = 1`, name).
		Scan(&o.Owner, &o.Version, &o.Position, &o.RebuildWanted, &o.epoch, &o.heartbeat)
	if errors.Is(err, sql.ErrNoRows) {
		return Ownership{}, nil
	}
	if err != nil {
		return Ownership{}, fmt.Errorf("look for the owner of %s: %w", name, db.explain(ctx, err))
	}
	return o, nil
}

// Init makes the first tables of a projection that is not there yet. It has no owner then; queries find it empty.
func (db *DB) Init(ctx context.Context, definition Definition, now time.Time) error {
	found, err := db.Ownership(ctx, definition.Name)
	if err != nil || found != (Ownership{}) {
		return err
	}
	_, err = db.AcquireIf(ctx, definition, found, "", now)
	if errors.Is(err, ErrFenced) {
		return nil // somebody else has
	}
	return err
}

// Acquired is what an owner finds when it acquires a projection.
type Acquired struct {
	Checkpoint
	Version int    // of the projector that filled the tables; another one than the code's calls for a rebuild
	Origin  Origin // of the rows
}

// Acquire makes owner the one who writes a projection, and everybody before it stop: their checkpoints are fenced. A projection
// that is not there yet gets its first tables; what another owner left half-built is removed.
func (db *DB) Acquire(ctx context.Context, definition Definition, owner string, now time.Time) (Acquired, error) {
	for {
		found, err := db.Ownership(ctx, definition.Name)
		if err != nil {
			return Acquired{}, err
		}
		acquired, err := db.AcquireIf(ctx, definition, found, owner, now)
		if errors.Is(err, ErrFenced) {
			continue // a heartbeat came in between, or another process acquired it
		}
		return acquired, err
	}
}

// AcquireIf is [DB.Acquire] on condition that the ownership is still as it was found, heartbeat included. Otherwise it fails with
// [ErrFenced]; so of several who take over at once only one does.
func (db *DB) AcquireIf(ctx context.Context, definition Definition, from Ownership, owner string, now time.Time) (Acquired, error) {
	var acquired Acquired
	var stale []staleGeneration
	err := db.transact(ctx, func(tx *sql.Tx) (err error) {
		if err := db.engine.lock(ctx, tx, definition.Name); err != nil {
			return err
		}
		acquired, err = serving(ctx, tx, definition.Name)
		switch {
		case errors.Is(err, ErrNotFound) && from == Ownership{}:
			acquired, err = db.first(ctx, tx, definition, owner, now)
			return err
		case errors.Is(err, ErrNotFound):
			return ErrFenced
		case err != nil:
			return err
		}
		// The epoch before the position: from then on nobody else moves it.
		if err := expectRows(1, ErrFenced)(tx.ExecContext(ctx, `UPDATE projections SET epoch = $1, owner = $2, state = $3, error = '', updated_at = $4
			WHERE name = $5 AND serving = 1 AND epoch = $6 AND beat = $7`,
			from.epoch+1, owner, StateRunning, now.UnixMicro(), definition.Name, from.epoch, from.heartbeat)); err != nil {
			return err
		}
		if acquired, err = serving(ctx, tx, definition.Name); err != nil {
			return err
		}
		stale, err = fenceBuilds(ctx, tx, definition.Name)
		return err
	})
	if err != nil {
		return Acquired{}, fmt.Errorf("take projection %s over: %w", definition.Name, err)
	}
	for _, l := range stale {
		if err := db.drop(ctx, l); err != nil {
			return Acquired{}, err
		}
	}
	return acquired, nil
}

// Heartbeat says that the owner of a checkpoint lives, and reports whether somebody wants the projection rebuilt. It fails with
// [ErrFenced].
func (db *DB) Heartbeat(ctx context.Context, at Checkpoint) (rebuildWanted bool, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err = db.write.QueryRowContext(ctx, `UPDATE projections SET beat = beat + 1
		WHERE name = $1 AND generation = $2 AND epoch = $3 AND serving = 1 RETURNING rebuild_wanted`, at.Name, at.Generation, at.Epoch).Scan(&rebuildWanted)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrFenced
	}
	if err != nil {
		return false, fmt.Errorf("heartbeat of %s: %w", at.Name, db.explain(ctx, err))
	}
	return rebuildWanted, nil
}

// Release gives a projection up, so that another owner need not wait. It fails with [ErrFenced].
func (db *DB) Release(ctx context.Context, at Checkpoint) error {
	err := expectRows(1, ErrFenced)(db.write.ExecContext(ctx, `UPDATE projections SET owner = ''
		WHERE name = $1 AND generation = $2 AND epoch = $3 AND serving = 1`, at.Name, at.Generation, at.Epoch))
	if err != nil {
		return fmt.Errorf("release %s: %w", at.Name, err)
	}
	return nil
}

// RequestRebuild asks the owner of a projection, whoever it is, to rebuild it; wanted is false to take that back. It fails with
// [ErrNotFound].
func (db *DB) RequestRebuild(ctx context.Context, name string, wanted bool) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	flag := map[bool]int{true: 1}[wanted]
	err := expectRows(1, ErrNotFound)(db.write.ExecContext(ctx,
		`UPDATE projections SET rebuild_wanted = $1 WHERE name = $2 AND serving = 1`, flag, name))
	if err != nil {
		return fmt.Errorf("ask for a rebuild of %s: %w", name, db.explain(ctx, err))
	}
	return nil
}
