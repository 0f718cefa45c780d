package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

const (
	columns = `position, streams.name, revision, events.id, type, recorded_at,
       tenant, actor, correlation, causation, command_id, request_hash, data`

	headSQL = `
SELECT coalesce(max(position), 0)
  FROM events`

	afterSQL = `
SELECT ` + columns + `
  FROM events LEFT JOIN streams ON streams.id = events.stream
 WHERE position > ?
 ORDER BY position
 LIMIT ?`

	sliceSQL = `
SELECT ` + columns + `
  FROM streams JOIN events ON events.stream = streams.id
 WHERE streams.name = ? AND revision > ?
 ORDER BY revision
 LIMIT ?`

	streamExistsSQL = `
SELECT EXISTS (SELECT 1 FROM streams WHERE name = ?)`
)

// reader runs the queries of the read pool. It implements [paging.Queries].
type reader struct {
	headStmt, afterStmt, sliceStmt, existsStmt *sql.Stmt
}

func newReader(ctx context.Context, db *sql.DB) (*reader, error) {
	r := &reader{}
	for _, s := range []struct {
		stmt  **sql.Stmt
		query string
	}{{&r.headStmt, headSQL}, {&r.afterStmt, afterSQL}, {&r.sliceStmt, sliceSQL}, {&r.existsStmt, streamExistsSQL}} {
		var err error
		if *s.stmt, err = db.PrepareContext(ctx, s.query); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Head is [paging.Queries].
func (r *reader) Head(ctx context.Context) (event.Position, error) {
	var head int64
	if err := r.headStmt.QueryRowContext(ctx).Scan(&head); err != nil {
		return 0, engineError("read the head", err)
	}
	return event.Position(head), nil
}

// After is [paging.Queries].
func (r *reader) After(ctx context.Context, after int64, limit int) ([]event.Envelope, error) {
	events, err := scanEvents(r.afterStmt.QueryContext(ctx, after, limit))
	if err != nil {
		return nil, engineError("read the ledger", err)
	}
	return events, nil
}

// Slice is [paging.Queries].
func (r *reader) Slice(ctx context.Context, stream string, after int64, limit int) ([]event.Envelope, error) {
	events, err := scanEvents(r.sliceStmt.QueryContext(ctx, stream, after, limit))
	if err != nil {
		return nil, engineError("read stream "+stream, err)
	}
	return events, nil
}

// Exists is [paging.Queries].
func (r *reader) Exists(ctx context.Context, stream string) (bool, error) {
	var exists bool
	if err := r.existsStmt.QueryRowContext(ctx, stream).Scan(&exists); err != nil {
		return false, engineError("read stream "+stream, err)
	}
	return exists, nil
}

// scanEvents reads all rows of a query for columns.
func scanEvents(rows *sql.Rows, err error) ([]event.Envelope, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
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

func scanEvent(rows *sql.Rows) (event.Envelope, error) {
	var (
		e                    event.Envelope
		position, recordedAt int64
		revision             int64
		id                   sql.RawBytes
	)
	err := rows.Scan(&position, &e.Stream, &revision, &id, (*string)(&e.Type), &recordedAt,
		&e.Tenant, &e.Actor, &e.Correlation, &e.Causation, &e.CommandID, &e.RequestHash, &e.Data)
	if err != nil {
		return e, fmt.Errorf("%w: row at position %d: %w", eventstore.ErrDamaged, position, err)
	}
	if len(id) != len(e.ID) || position < 1 || revision < 1 {
		return e, fmt.Errorf("%w: row at position %d is not an event", eventstore.ErrDamaged, position)
	}
	copy(e.ID[:], id)
	e.Position, e.Revision = event.Position(position), event.Revision(revision)
	e.RecordedAt = time.UnixMicro(recordedAt).UTC()
	return e, nil
}

// engineError tells damage, which stays, from unavailability, which may pass.
func engineError(doing string, err error) error {
	if errors.Is(err, eventstore.ErrDamaged) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if sqlitefile.Damaged(err) {
		return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrUnavailable, err)
}
