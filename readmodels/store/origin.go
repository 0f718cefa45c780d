package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Origin names the ledger that rows are derived from. Rows that an older version wrote have the zero Origin.
type Origin struct {
	Installation string // id of the installation
	Epoch        string // id of the ledger's epoch
}

// SetOrigin says which ledger rows are derived from, from now on. Call it before anything is acquired or listed; cursors of another epoch
// are refused from then on.
func (db *DB) SetOrigin(o Origin) { db.origin.Store(&o) }

// Origin is the ledger that rows are derived from; the zero Origin until [DB.SetOrigin] was called.
func (db *DB) Origin() Origin {
	if o := db.origin.Load(); o != nil {
		return *o
	}
	return Origin{}
}

// Confirm records that the rows behind a checkpoint are those of the present ledger. It fails with [ErrFenced].
func (db *DB) Confirm(ctx context.Context, at Checkpoint) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	o := db.Origin()
	err := expectRows(1, ErrFenced)(db.write.ExecContext(ctx, `UPDATE projections SET installation = $1, ledger_epoch = $2
		WHERE name = $3 AND generation = $4 AND epoch = $5`, o.Installation, o.Epoch, at.Name, at.Generation, at.Epoch))
	if err != nil {
		return fmt.Errorf("confirm where the rows of %s come from: %w", at.Name, err)
	}
	return nil
}

// Reset makes new, empty tables serve in place of those behind a checkpoint, which are removed: their rows are not those of the present
// ledger, and no query may see them. It fails with [ErrFenced].
func (db *DB) Reset(ctx context.Context, definition Definition, replaced Checkpoint, owner string,
	now time.Time) (at Checkpoint, err error) {
	err = db.transact(ctx, func(tx *sql.Tx) (err error) {
		if err := db.engine.lock(ctx, tx, definition.Name); err != nil {
			return err
		}
		if at, err = db.create(ctx, tx, definition, owner, now); err != nil {
			return err
		}
		if err := db.index(ctx, tx, definition, at); err != nil {
			return err
		}
		return db.exchange(ctx, tx, definition, replaced, at)
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("empty the tables of %s: %w", definition.Name, err)
	}
	return at, db.DropGeneration(ctx, replaced.Name, replaced.Generation)
}

// Origins tells, for every projection that serves, which ledger its rows are derived from and up to which event.
func (db *DB) Origins(ctx context.Context) ([]Acquired, error) {
	return List(ctx, db, func(r Row) (a Acquired, err error) {
		err = r.Scan(&a.Name, &a.Generation, &a.Version, &a.Position, &a.Hash, &a.Origin.Installation, &a.Origin.Epoch)
		return a, err
	}, `SELECT name, generation, version, position, event_hash, installation, ledger_epoch FROM projections WHERE serving = 1 ORDER BY name`)
}
