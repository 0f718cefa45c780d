package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

const (
	epochsSQL = `
SELECT installation, id, after, began_at, reason
  FROM epochs
 ORDER BY number`

	beginEpochSQL = `
INSERT INTO epochs (number, installation, id, after, began_at, reason)
SELECT coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?
  FROM epochs
HAVING coalesce((SELECT id FROM epochs ORDER BY number DESC LIMIT 1), '') = ?`
)

// Epochs returns the ledger's epochs as [eventstore.Store] promises.
func (s *Store) Epochs(ctx context.Context) ([]eventstore.Epoch, error) {
	if err := s.Usable(ctx); err != nil {
		return nil, err
	}
	return readEpochs(ctx, s.reading)
}

// BeginEpoch adds an epoch as [eventstore.Store] promises. It waits for the batch that is being written.
func (s *Store) BeginEpoch(ctx context.Context, current uuid.UUID, next eventstore.Epoch) error {
	if err := s.Usable(ctx); err != nil {
		return err
	}
	// A connection of its own: the writer's belongs to the writer.
	db, err := openExisting(s.path, "synchronous(FULL)")
	if err != nil {
		return engineError("begin an epoch", err)
	}
	begun, err := beginEpoch(ctx, db, current, next)
	if err := errors.Join(err, db.Close()); err != nil {
		return engineError("begin an epoch", err)
	}
	if !begun {
		return eventstore.ErrWrongEpoch
	}
	return nil
}

func beginEpoch(ctx context.Context, db *sql.DB, current uuid.UUID, next eventstore.Epoch) (begun bool, err error) {
	expected := ""
	if current != uuid.Nil {
		expected = current.String()
	}
	result, err := db.ExecContext(ctx, beginEpochSQL,
		next.Installation.String(), next.ID.String(), int64(next.After), next.BeganAt.UnixMicro(), string(next.Reason), expected)
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	return rows == 1, err
}

func readEpochs(ctx context.Context, db *sql.DB) (epochs []eventstore.Epoch, err error) {
	rows, err := db.QueryContext(ctx, epochsSQL)
	if err != nil {
		return nil, engineError("read the epochs", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e eventstore.Epoch
		var after, beganAt int64
		if err := rows.Scan(&e.Installation, &e.ID, &after, &beganAt, (*string)(&e.Reason)); err != nil {
			return nil, fmt.Errorf("%w: read the epochs: %w", eventstore.ErrDamaged, err)
		}
		e.After, e.BeganAt = event.Position(after), time.UnixMicro(beganAt).UTC()
		epochs = append(epochs, e)
	}
	if err := rows.Err(); err != nil {
		return nil, engineError("read the epochs", err)
	}
	return epochs, nil
}
