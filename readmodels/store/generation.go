package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

func serving(ctx context.Context, tx *sql.Tx, name string) (a Acquired, err error) {
	a.Name = name
	err = tx.QueryRowContext(ctx, `SELECT generation, version, epoch, position, event_hash, installation, ledger_epoch
		FROM projections WHERE name = $1 AND serving = 1`, name).
		Scan(&a.Generation, &a.Version, &a.Epoch, &a.Position, &a.Hash, &a.Origin.Installation, &a.Origin.Epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return Acquired{}, ErrNotFound
	}
	return a, err
}

// first makes the first generation of a projection, empty and serving.
func (db *DB) first(ctx context.Context, tx *sql.Tx, definition Definition, owner string, now time.Time) (Acquired, error) {
	at, err := db.create(ctx, tx, definition, owner, now)
	if err != nil {
		return Acquired{}, err
	}
	if err := db.index(ctx, tx, definition, at); err != nil {
		return Acquired{}, err
	}
	if err := createViews(ctx, tx, nil, definition, at); err != nil {
		return Acquired{}, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE projections SET serving = 1, state = $1 WHERE name = $2 AND generation = $3`, StateRunning,
		at.Name, at.Generation)
	return Acquired{Checkpoint: at, Version: definition.Version, Origin: db.Origin()}, err
}

// create makes the tables of a new generation, without their indexes, and its row in the control table.
func (db *DB) create(ctx context.Context, tx *sql.Tx, definition Definition, owner string, now time.Time) (Checkpoint, error) {
	at := Checkpoint{Name: definition.Name, Epoch: 1}
	if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(generation), 0) + 1, COALESCE(MAX(epoch), 0) + 1 FROM projections WHERE name = $1`,
		definition.Name).Scan(&at.Generation, &at.Epoch); err != nil {
		return at, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO projections (name, generation, serving, version, position, epoch, owner, state, tables, updated_at,
			installation, ledger_epoch)
		VALUES ($1, $2, 0, $3, 0, $4, $5, $6, $7, $8, $9, $10)`,
		at.Name, at.Generation, definition.Version, at.Epoch, owner, StateRebuilding, definition.tableNames(), now.UnixMicro(),
		db.Origin().Installation, db.Origin().Epoch); err != nil {
		return at, err
	}
	tables, _, err := definition.ddl(db.engine.name(), at.Generation)
	if err != nil {
		return at, err
	}
	return at, executeAll(ctx, tx, tables)
}

func (db *DB) index(ctx context.Context, tx *sql.Tx, definition Definition, at Checkpoint) error {
	_, indexes, err := definition.ddl(db.engine.name(), at.Generation)
	if err != nil {
		return err
	}
	return executeAll(ctx, tx, indexes)
}

func executeAll(ctx context.Context, tx *sql.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("execute %.80q: %w", statement, err)
		}
	}
	return nil
}

// createViews makes queries see a generation instead of the one whose tables are named.
func createViews(ctx context.Context, tx *sql.Tx, replaced []string, definition Definition, at Checkpoint) error {
	var statements []string
	for _, table := range replaced {
		statements = append(statements, "DROP VIEW IF EXISTS "+table)
	}
	for _, table := range definition.Tables {
		statements = append(statements, "CREATE VIEW "+table.Name+" AS SELECT * FROM "+table.Name+suffix(at.Generation))
	}
	return executeAll(ctx, tx, statements)
}

// BeginGeneration makes new, empty tables beside those that serve. Their indexes come later, with [DB.IndexGeneration].
func (db *DB) BeginGeneration(ctx context.Context, definition Definition, owner string, now time.Time) (at Checkpoint, err error) {
	err = db.transact(ctx, func(tx *sql.Tx) (err error) {
		if err := db.engine.lock(ctx, tx, definition.Name); err != nil {
			return err
		}
		at, err = db.create(ctx, tx, definition, owner, now)
		return err
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("begin a generation of %s: %w", definition.Name, err)
	}
	return at, nil
}

// IndexGeneration makes the indexes of a generation that is being built, one transaction each, so that others can write in between.
func (db *DB) IndexGeneration(ctx context.Context, definition Definition, at Checkpoint) error {
	_, indexes, err := definition.ddl(db.engine.name(), at.Generation)
	if err != nil {
		return err
	}
	for _, statement := range indexes {
		if err := db.transaction(ctx, func(tx *sql.Tx) error {
			if err := db.engine.withoutTimeouts(ctx, tx); err != nil {
				return err
			}
			return executeAll(ctx, tx, []string{statement})
		}); err != nil {
			return fmt.Errorf("index generation %d of %s: %w", at.Generation, at.Name, err)
		}
	}
	return nil
}

// switchAttempts is how often a switch is tried that meets with readers of the views it exchanges.
const switchAttempts = 5

// Switch writes the last changes of a generation that was built and makes it the one that serves, in one transaction.
// From then on the replaced generation's checkpoint is fenced; its tables stay until [DB.DropGeneration].
func (db *DB) Switch(ctx context.Context, definition Definition, replaced, built Checkpoint, to LastEvent, changes *Changes,
	now time.Time) (Checkpoint, error) {
	for attempt := 1; ; attempt++ {
		next, err := db.applying(ctx, built, to, changes, now,
			func(tx *sql.Tx) error { return db.exchange(ctx, tx, definition, replaced, built) })
		if err == nil {
			return next, nil
		}
		if attempt == switchAttempts || ctx.Err() != nil || !db.engine.isRetryable(err) {
			return Checkpoint{}, fmt.Errorf("switch %s to generation %d: %w", built.Name, built.Generation, err)
		}
	}
}

// exchange makes one generation serve instead of another. It does nothing when that is done already.
func (db *DB) exchange(ctx context.Context, tx *sql.Tx, definition Definition, replaced, built Checkpoint) error {
	if now, err := serving(ctx, tx, built.Name); err == nil && now.Generation == built.Generation {
		return nil
	}
	var tables string
	if err := tx.QueryRowContext(ctx, `UPDATE projections SET serving = 0, state = 'RETIRED', epoch = epoch + 1
		WHERE name = $1 AND generation = $2 AND epoch = $3 AND serving = 1 RETURNING tables`,
		replaced.Name, replaced.Generation, replaced.Epoch).Scan(&tables); errors.Is(err, sql.ErrNoRows) {
		return ErrFenced
	} else if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE projections SET serving = 1, state = $1, error = '' WHERE name = $2 AND generation = $3`,
		StateRunning, built.Name, built.Generation); err != nil {
		return err
	}
	return createViews(ctx, tx, strings.Split(tables, ","), definition, built)
}

// DropGeneration removes the tables of a generation that does not serve. Dropping it again does no harm.
func (db *DB) DropGeneration(ctx context.Context, name string, generation int64) error {
	l := staleGeneration{name: name, generation: generation}
	err := db.write.QueryRowContext(ctx, `SELECT tables FROM projections WHERE name = $1 AND generation = $2 AND serving = 0`, name,
		generation).Scan(&l.tables)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drop generation %d of %s: %w", generation, name, err)
	}
	return db.drop(ctx, l)
}

// staleGeneration is a generation that nobody needs any more.
type staleGeneration struct {
	name       string
	generation int64
	tables     string
}

// fenceBuilds lists the generations that do not serve and takes them from whoever may still be building one.
func fenceBuilds(ctx context.Context, tx *sql.Tx, name string) (found []staleGeneration, err error) {
	if _, err := tx.ExecContext(ctx, `UPDATE projections SET state = 'RETIRED', epoch = epoch + 1 WHERE name = $1 AND serving = 0`,
		name); err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT generation, tables FROM projections WHERE name = $1 AND serving = 0`, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		l := staleGeneration{name: name}
		if err := rows.Scan(&l.generation, &l.tables); err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	return found, rows.Err()
}

func (db *DB) drop(ctx context.Context, l staleGeneration) error {
	if err := db.engine.evict(generationOf{l.name, l.generation}); err != nil {
		return err
	}
	err := db.transact(ctx, func(tx *sql.Tx) error {
		for table := range strings.SplitSeq(l.tables, ",") {
			if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+table+suffix(l.generation)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM projections WHERE name = $1 AND generation = $2 AND serving = 0`, l.name, l.generation)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop generation %d of %s: %w", l.generation, l.name, err)
	}
	return nil
}

// Mark records a projection's state and what is the matter. It fails with [ErrFenced].
func (db *DB) Mark(ctx context.Context, at Checkpoint, state, problem string, now time.Time) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err := expectRows(1, ErrFenced)(db.write.ExecContext(ctx, `UPDATE projections SET state = $1, error = $2, updated_at = $3
		WHERE name = $4 AND generation = $5 AND epoch = $6`, state, problem, now.UnixMicro(), at.Name, at.Generation, at.Epoch))
	if err != nil {
		return fmt.Errorf("mark %s %s: %w", at.Name, state, err)
	}
	return nil
}
