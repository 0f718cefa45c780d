package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrFenced says that the projection has another owner now, or its tables another generation: nothing was written, and
	// whoever gets this must stop writing.
	ErrFenced = errors.New("the projection was taken over by another owner")
	// ErrMoved says that the projection stands at another position than its owner knew: the checkpoint returned with it tells
	// where, and what follows that position is to be applied. Nothing was written.
	ErrMoved = errors.New("the checkpoint is elsewhere")
	// ErrRejected says that the database refused a statement for what it says: repeating it cannot help. Nothing was written.
	ErrRejected = errors.New("the database rejected the rows")
)

// Checkpoint is the right to write one generation of a projection, and how far its rows have come. It is worthless as soon as
// another owner acquires the projection.
type Checkpoint struct {
	Name       string
	Generation int64
	Epoch      int64
	LastEvent
}

// LastEvent is the last event of the ledger whose rows are there. The zero LastEvent is before the first one.
type LastEvent struct {
	Position uint64
	Hash     string // of the event, in hexadecimal; empty in rows that an older version wrote
}

// Apply writes the changes of a run of events, and the checkpoint that names the last of them, in one transaction.
// It fails with [ErrFenced], [ErrMoved] or [ErrRejected]; after any other error the same call may be repeated, also when the
// transaction succeeded and only the answer was lost: then nothing is written twice.
func (db *DB) Apply(ctx context.Context, at Checkpoint, to LastEvent, changes *Changes, now time.Time) (Checkpoint, error) {
	return db.applying(ctx, at, to, changes, now, nil)
}

// applying is Apply with a last step inside the transaction.
func (db *DB) applying(ctx context.Context, at Checkpoint, to LastEvent, changes *Changes, now time.Time,
	last func(*sql.Tx) error) (Checkpoint, error) {
	if to.Position < at.Position {
		return at, fmt.Errorf("%w: the checkpoint of %s cannot go back from %d to %d", ErrInvalidChange, at.Name, at.Position, to.Position)
	}
	write, err := db.engine.prepare(ctx, changes)
	if err != nil {
		return at, db.rejectedOr(fmt.Errorf("prepare the rows of %s: %w", at.Name, err))
	}
	next := at
	next.LastEvent = to
	err = db.transact(ctx, func(tx *sql.Tx) error {
		if last != nil { // it changes more than the checkpoint's own row
			if err := db.engine.lock(ctx, tx, at.Name); err != nil {
				return err
			}
		}
		// First, so that who was fenced finds out before its rows collide with those of the new owner.
		err := expectRows(1, ErrFenced)(tx.ExecContext(ctx, `UPDATE projections SET position = $1, event_hash = $2, updated_at = $3
			WHERE name = $4 AND generation = $5 AND epoch = $6 AND position = $7`,
			to.Position, to.Hash, now.UnixMicro(), at.Name, at.Generation, at.Epoch, at.Position))
		if errors.Is(err, ErrFenced) {
			next.LastEvent, err = currentPosition(ctx, tx, at)
			if err == nil && next.Position != to.Position {
				err = ErrMoved
			}
			return err
		}
		if err != nil {
			return fmt.Errorf("move the checkpoint of %s from %d to %d: %w", at.Name, at.Position, to.Position, err)
		}
		if err := write(ctx, tx); err != nil {
			return err
		}
		if last != nil {
			return last(tx)
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrMoved):
		return next, err
	case err != nil:
		return at, db.rejectedOr(err)
	}
	return next, nil
}

// currentPosition is the last event of an owner's generation, which may be another one than it knows of: it did not hear
// whether its last transaction succeeded, or the database lost it. It fails with [ErrFenced].
func currentPosition(ctx context.Context, tx *sql.Tx, at Checkpoint) (last LastEvent, err error) {
	err = tx.QueryRowContext(ctx, `SELECT position, event_hash FROM projections WHERE name = $1 AND generation = $2 AND epoch = $3`,
		at.Name, at.Generation, at.Epoch).Scan(&last.Position, &last.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return LastEvent{}, ErrFenced
	}
	return last, err
}

// Announce wakes who waits in this process for a projection to reach the checkpoint. Where queries are answered by a replica it
// does nothing: the rows have yet to get there.
func (db *DB) Announce(at Checkpoint) {
	if !db.replicaMayLag {
		db.progress.advance(at)
	}
}

// expectRows turns the result of a statement into the given error unless it changed so many rows.
func expectRows(rows int64, otherwise error) func(sql.Result, error) error {
	return func(result sql.Result, err error) error {
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		if err != nil {
			return err
		}
		if changed != rows {
			return fmt.Errorf("%w: %d rows changed instead of %d", otherwise, changed, rows)
		}
		return nil
	}
}

// transact runs do in a transaction of the writing pool, within the limits of time.
func (db *DB) transact(ctx context.Context, do func(*sql.Tx) error) error {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	return db.transaction(ctx, do)
}

// transaction is transact without a limit of its own. It fails with [ErrUnavailable] and with do's error.
func (db *DB) transaction(ctx context.Context, do func(*sql.Tx) error) error {
	return db.explain(ctx, db.attempt(ctx, do))
}

func (db *DB) attempt(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction of the read models: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, rolledBack(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit to the read models: %w", err)
	}
	return nil
}

func rolledBack(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// rejectedOr adds ErrRejected to errors that blame the statement rather than the circumstances.
func (db *DB) rejectedOr(err error) error {
	if errors.Is(err, ErrRejected) || !db.engine.isPermanent(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrRejected, err)
}
