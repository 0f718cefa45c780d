package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/pgconnect"
)

const (
	eventColumns = `position, streams.name, revision, recorded_at, events.id, type,
       tenant, actor, correlation, causation, command_id, request_hash, data`

	headSQL = `
SELECT coalesce((SELECT max(position) FROM events), 0)`

	afterSQL = `
SELECT ` + eventColumns + `
  FROM events LEFT JOIN streams ON streams.id = events.stream
 WHERE position > $1
 ORDER BY position
 LIMIT $2`

	sliceSQL = `
SELECT ` + eventColumns + `
  FROM streams JOIN events ON events.stream = streams.id
 WHERE streams.name = $1 AND revision > $2
 ORDER BY stream, revision
 LIMIT $3`

	streamExistsSQL = `
SELECT EXISTS (SELECT FROM streams WHERE name = $1)`
)

// reader runs the queries of the read pool. It implements [paging.Queries].
type reader struct {
	pool *pgxpool.Pool
	life context.Context // of the store
	// timeout bounds the reading of a page.
	timeout time.Duration
	// silent is called then: connections to a server that one of them no longer hears are closed.
	silent func()
}

// Head is [paging.Queries].
func (r *reader) Head(ctx context.Context) (event.Position, error) {
	var head int64
	err := r.read(ctx, "read the head", func(ctx context.Context) error { return r.pool.QueryRow(ctx, headSQL).Scan(&head) })
	return event.Position(head), err
}

// After is [paging.Queries].
func (r *reader) After(ctx context.Context, after int64, limit int) (events []event.Envelope, err error) {
	err = r.read(ctx, "read the ledger", func(ctx context.Context) error {
		events, err = queryEvents(ctx, r.pool, afterSQL, after, limit)
		return err
	})
	return events, err
}

// Slice is [paging.Queries].
func (r *reader) Slice(ctx context.Context, stream string, after int64, limit int) (events []event.Envelope, err error) {
	if !eventstore.IsText(stream) {
		return nil, nil
	}
	err = r.read(ctx, "read stream "+stream, func(ctx context.Context) error {
		events, err = queryEvents(ctx, r.pool, sliceSQL, stream, after, limit)
		return err
	})
	return events, err
}

// Exists is [paging.Queries].
func (r *reader) Exists(ctx context.Context, stream string) (exists bool, err error) {
	if !eventstore.IsText(stream) {
		return false, nil
	}
	err = r.read(ctx, "read stream "+stream, func(ctx context.Context) error {
		return r.pool.QueryRow(ctx, streamExistsSQL, stream).Scan(&exists)
	})
	return exists, err
}

// read runs a query. It ends it when the store is closed, or when nothing was heard from the server for too long. It repeats it
// when its connection was broken, once for each idle connection, because all of them may be broken.
func (r *reader) read(ctx context.Context, doing string, query func(context.Context) error) error {
	ctx, cancel := pgconnect.Bounded(ctx, r.timeout, r.silent)
	defer cancel()
	defer context.AfterFunc(r.life, cancel)()
	err := query(ctx)
	for again := 1 + r.pool.Stat().IdleConns(); again > 0 && err != nil && ctx.Err() == nil && pgconnect.Broken(err); again-- {
		err = query(ctx)
	}
	if err != nil {
		return engineError(doing, err)
	}
	return nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// queryEvents reads all rows of a query for eventColumns.
func queryEvents(ctx context.Context, db querier, sql string, args ...any) ([]event.Envelope, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []event.Envelope
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

func scanEvent(rows pgx.Rows) (event.Envelope, error) {
	var (
		e                              event.Envelope
		position, revision, recordedAt int64
	)
	err := rows.Scan(&position, &e.Stream, &revision, &recordedAt, (*[16]byte)(&e.ID), (*string)(&e.Type),
		&e.Tenant, &e.Actor, &e.Correlation, &e.Causation, &e.CommandID, &e.RequestHash, &e.Data)
	if err != nil {
		return e, fmt.Errorf("%w: row at position %d: %w", eventstore.ErrDamaged, position, err)
	}
	if position < 1 || revision < 1 {
		return e, fmt.Errorf("%w: row at position %d is not an event", eventstore.ErrDamaged, position)
	}
	e.Position, e.Revision = event.Position(position), event.Revision(revision)
	e.RecordedAt = time.UnixMicro(recordedAt).UTC()
	return e, nil
}
