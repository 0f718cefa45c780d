package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/pgconnect"
)

const (
	epochsSQL = `
SELECT installation, id, after, began_at, reason
  FROM epochs
 ORDER BY number`

	// Two that begin an epoch at once choose the same number, which the primary key gives to one of them.
	beginEpochSQL = `
INSERT INTO epochs (number, installation, id, after, began_at, reason)
SELECT coalesce(max(number), 0) + 1, $1::uuid, $2::uuid, $3::bigint, $4::bigint, $5::text
  FROM epochs
HAVING coalesce((SELECT id FROM epochs ORDER BY number DESC LIMIT 1), '00000000-0000-0000-0000-000000000000') = $6::uuid`
)

// Epochs returns the ledger's epochs as [eventstore.Store] promises.
func (s *Store) Epochs(ctx context.Context) ([]eventstore.Epoch, error) { return s.reader.epochs(ctx) }

// BeginEpoch adds an epoch as [eventstore.Store] promises.
func (s *Store) BeginEpoch(ctx context.Context, current uuid.UUID, next eventstore.Epoch) error {
	if err := s.Usable(ctx); err != nil {
		return err
	}
	ctx, cancel := pgconnect.Bounded(ctx, s.writer.timeout, s.writer.silent)
	defer cancel()
	inserted, err := s.writer.pool.Exec(ctx, beginEpochSQL,
		[16]byte(next.Installation), [16]byte(next.ID), int64(next.After), next.BeganAt.UnixMicro(), string(next.Reason), [16]byte(current))
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == codeUniqueViolation:
		return eventstore.ErrWrongEpoch
	case err != nil:
		return engineError("begin an epoch", err)
	case inserted.RowsAffected() != 1:
		return eventstore.ErrWrongEpoch
	}
	return nil
}

func (r *reader) epochs(ctx context.Context) (epochs []eventstore.Epoch, err error) {
	err = r.read(ctx, "read the epochs", func(ctx context.Context) error {
		rows, err := r.pool.Query(ctx, epochsSQL)
		if err != nil {
			return err
		}
		epochs, err = pgx.CollectRows(rows, scanEpoch)
		return err
	})
	return epochs, err
}

func scanEpoch(row pgx.CollectableRow) (e eventstore.Epoch, err error) {
	var after, beganAt int64
	if err := row.Scan((*[16]byte)(&e.Installation), (*[16]byte)(&e.ID), &after, &beganAt, (*string)(&e.Reason)); err != nil {
		return e, fmt.Errorf("read an epoch: %w", err)
	}
	e.After, e.BeganAt = event.Position(after), time.UnixMicro(beganAt).UTC()
	return e, nil
}
