package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// pageSize is how many events are read at once. Between two pages no transaction is open.
const pageSize = 1000

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

// reader runs the queries of the read pool.
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

// Head returns the position of the last event.
func (s *Store) Head(ctx context.Context) (event.Position, error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	head, err := s.reader.head(ctx)
	return head, s.readError(ctx, err)
}

// ReadAll yields the events of the ledger as [eventstore.Store] promises, up to the head at the time of the call.
func (s *Store) ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		head, err := s.Head(ctx)
		for err == nil && after < head {
			var page []event.Envelope
			if page, err = s.next(ctx, after, pageSize); err != nil {
				break
			}
			if len(page) == 0 {
				err = fmt.Errorf("%w: positions %d to %d are missing", eventstore.ErrDamaged, after+1, head)
				break
			}
			for _, e := range page {
				if e.Position > head {
					return
				}
				if !yield(e, nil) {
					return
				}
			}
			after = page[len(page)-1].Position
		}
		if err != nil {
			yield(event.Envelope{}, err)
		}
	}
}

// ReadStream yields the events of a stream as [eventstore.Store] promises.
func (s *Store) ReadStream(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		for first := true; ; first = false {
			page, err := s.page(ctx, func() ([]event.Envelope, error) { return s.reader.stream(ctx, stream, after, first) })
			if err != nil {
				yield(event.Envelope{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = page[len(page)-1].Revision
		}
	}
}

// next is what subscriptions read.
func (s *Store) next(ctx context.Context, after event.Position, limit int) ([]event.Envelope, error) {
	return s.page(ctx, func() ([]event.Envelope, error) { return s.reader.after(ctx, after, limit) })
}

func (s *Store) page(ctx context.Context, read func() ([]event.Envelope, error)) ([]event.Envelope, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	events, err := read()
	return events, s.readError(ctx, err)
}

// readError gives an error of a read its place among the errors of the port.
func (s *Store) readError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := s.usable(ctx); ended != nil {
		return ended
	}
	return err
}

func (r *reader) head(ctx context.Context) (event.Position, error) {
	var head int64
	if err := r.headStmt.QueryRowContext(ctx).Scan(&head); err != nil {
		return 0, engineError("read the head", err)
	}
	return event.Position(head), nil
}

// after returns the page of the ledger that follows a position.
func (r *reader) after(ctx context.Context, after event.Position, limit int) ([]event.Envelope, error) {
	events, err := scanEvents(r.afterStmt.QueryContext(ctx, clamp(after), min(limit, pageSize)))
	if err != nil {
		return nil, engineError("read the ledger", err)
	}
	for i, e := range events {
		if expected := after + event.Position(i) + 1; e.Position != expected {
			return nil, fmt.Errorf("%w: position %d is missing, %d comes next", eventstore.ErrDamaged, expected, e.Position)
		}
	}
	return events, nil
}

// stream returns the page of a stream that follows a revision. The first page of a read tells a stream without events from
// one without events after that revision.
func (r *reader) stream(ctx context.Context, stream string, after event.Revision, first bool) ([]event.Envelope, error) {
	events, err := scanEvents(r.sliceStmt.QueryContext(ctx, stream, clamp(after), pageSize))
	if err != nil {
		return nil, engineError("read stream "+stream, err)
	}
	for i, e := range events {
		if expected := after + event.Revision(i) + 1; e.Revision != expected {
			return nil, fmt.Errorf("%w: revision %d of stream %q is missing, %d comes next",
				eventstore.ErrDamaged, expected, stream, e.Revision)
		}
	}
	if len(events) > 0 || !first {
		return events, nil
	}
	var exists bool
	if after > 0 {
		if err := r.existsStmt.QueryRowContext(ctx, stream).Scan(&exists); err != nil {
			return nil, engineError("read stream "+stream, err)
		}
	}
	if !exists {
		return nil, fmt.Errorf("%w: %q", eventstore.ErrStreamNotFound, stream)
	}
	return nil, nil
}

// clamp makes a place a number SQLite can compare; no event lies beyond it.
func clamp[Place event.Position | event.Revision](p Place) int64 {
	return int64(min(uint64(p), math.MaxInt64))
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
	var failure *sqlite.Error
	if errors.As(err, &failure) {
		switch failure.Code() & 0xff {
		case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
			return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrDamaged, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", doing, eventstore.ErrUnavailable, err)
}
