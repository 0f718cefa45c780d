package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
)

// touchedSQL asks where a batch starts: the ledger's head (n = 0), the last stream's id (n = -1), and, of the streams
// 1, 2, 3 … it touches, id and revision of those that exist.
func touchedSQL(streams int) string {
	names := make([]string, streams)
	for i := range names {
		names[i] = fmt.Sprintf("(%d, ?)", i+1)
	}
	return `
WITH touched (n, name) AS (VALUES ` + strings.Join(names, ", ") + `)
SELECT 0, 0, coalesce(max(position), 0)
  FROM events
UNION ALL
SELECT -1, coalesce(max(id), 0), 0
  FROM streams
UNION ALL
SELECT touched.n, streams.id, coalesce((SELECT max(revision) FROM events WHERE events.stream = streams.id), 0)
  FROM touched CROSS JOIN streams ON streams.name = touched.name`
}

// A violated constraint would be a bug or damage. It then ends the transaction, which spares SQLite the journal it would
// need to undo only the statement.
const (
	insertStreamSQL = `
INSERT OR ROLLBACK INTO streams (id, name)
VALUES (?, ?)`

	insertEventsSQL = `
INSERT OR ROLLBACK INTO events (
    position, stream, revision, id, type, recorded_at,
    tenant, actor, correlation, causation, command_id, request_hash, data
) VALUES `

	eventRow = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

func insertSQL(events int) string {
	return insertEventsSQL + eventRow + strings.Repeat(", "+eventRow, events-1)
}

// A statement is prepared once for each of these sizes.
var (
	insertSizes  = [...]int{64, 16, 4, 1}
	touchedSizes = [...]int{1, 4, 16, 64, groupcommit.MaxAppendsPerBatch}
)

// writer owns the only connection that writes. It is used by one goroutine at a time.
type writer struct {
	writing sync.Mutex // held while a batch is written, and while the log is emptied

	db   *sql.DB
	conn *sql.Conn // nil after a failure, until the next batch

	begin, commit, slice, insertStream *sql.Stmt
	inserts                            map[int]*sql.Stmt // by number of events
	touched                            map[int]*sql.Stmt // by number of streams
	prepared                           []*sql.Stmt       // all of them
	args                               []any             // reused from insert to insert
}

// connect opens the connection and prepares its statements.
func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.disconnect()
		}
	}()
	if err := requireDurable(ctx, w.conn); err != nil {
		return err
	}
	prepare := func(query string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var stmt *sql.Stmt
		if stmt, err = w.conn.PrepareContext(ctx, query); err == nil {
			w.prepared = append(w.prepared, stmt)
		}
		return stmt
	}
	w.begin, w.commit = prepare(`BEGIN IMMEDIATE`), prepare(`COMMIT`)
	w.slice, w.insertStream = prepare(sliceSQL), prepare(insertStreamSQL)
	w.inserts, w.touched = map[int]*sql.Stmt{}, map[int]*sql.Stmt{}
	for _, n := range insertSizes {
		w.inserts[n] = prepare(insertSQL(n))
	}
	for _, n := range touchedSizes {
		w.touched[n] = prepare(touchedSQL(n))
	}
	return err
}

// disconnect throws the connection away, with any transaction that is still open in it.
func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	_, _ = w.conn.ExecContext(context.Background(), `ROLLBACK`) // fails when SQLite has done it itself
	_ = w.unprepare()
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool then closes it instead of keeping it
	_ = w.conn.Close()
	w.conn = nil
}

// unprepare closes the statements: a connection stays open, with its locks, as long as one of its statements does.
func (w *writer) unprepare() error {
	var errs []error
	for _, stmt := range w.prepared {
		errs = append(errs, stmt.Close())
	}
	w.prepared = nil
	return errors.Join(errs...)
}

// alone runs do between two batches.
func (w *writer) alone(_ context.Context, do func() error) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	return do()
}

func (w *writer) close() error {
	var err error
	if w.conn != nil {
		err = errors.Join(w.unprepare(), w.conn.Close())
		w.conn = nil
	}
	return errors.Join(err, w.db.Close())
}

// write stores a batch in one transaction. After a failure it starts again with a new connection, so that nothing of a
// failed batch is left behind and a full disk is over once there is room again.
func (w *writer) write(batch []groupcommit.Append) (groupcommit.Resolution, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	// Callers come and go; the batch belongs to all of them.
	ctx := context.Background()
	if w.conn == nil {
		if err := w.connect(ctx); err != nil {
			return groupcommit.Resolution{}, err
		}
	}
	decision, err := w.transact(ctx, batch)
	if err != nil {
		w.disconnect()
		return groupcommit.Resolution{}, err
	}
	return decision, nil
}

func (w *writer) transact(ctx context.Context, batch []groupcommit.Append) (groupcommit.Resolution, error) {
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return groupcommit.Resolution{}, fmt.Errorf("begin: %w", err)
	}
	stored, streams, err := w.stored(ctx, batch)
	if err != nil {
		return groupcommit.Resolution{}, err
	}
	decision, err := groupcommit.Resolve(batch, stored)
	if err != nil {
		return groupcommit.Resolution{}, err
	}
	if err := w.insert(ctx, decision.Inserts, streams); err != nil {
		return groupcommit.Resolution{}, err
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		return groupcommit.Resolution{}, fmt.Errorf("commit: %w", err)
	}
	return decision, nil
}

// streamIDs numbers the streams of a batch as the table streams does.
type streamIDs struct {
	byName map[string]int64
	last   int64
}

// stored reads, with one query, where the ledger and the streams of a batch are.
func (w *writer) stored(ctx context.Context, batch []groupcommit.Append) (groupcommit.Stored, streamIDs, error) {
	stored := groupcommit.Stored{
		Revisions: make(map[string]event.Revision, len(batch)),
		Slice: func(stream string, after event.Revision, n int) ([]event.Envelope, error) {
			return scanEvents(w.slice.QueryContext(ctx, stream, int64(after), n))
		},
	}
	ids := streamIDs{byName: make(map[string]int64, len(batch))}
	names := make([]any, 0, len(batch))
	for _, a := range batch {
		if _, seen := stored.Revisions[a.Stream]; !seen {
			stored.Revisions[a.Stream] = 0
			names = append(names, a.Stream)
		}
	}
	size := touchedSizes[slices.IndexFunc(touchedSizes[:], func(n int) bool { return n >= len(names) })]
	for len(names) < size {
		names = append(names, nil) // no stream has this name
	}
	rows, err := w.touched[size].QueryContext(ctx, names...)
	if err != nil {
		return stored, ids, fmt.Errorf("read where the batch starts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		var id, place int64
		if err := rows.Scan(&n, &id, &place); err != nil {
			return stored, ids, fmt.Errorf("read where the batch starts: %w", err)
		}
		switch n {
		case 0:
			stored.Head = event.Position(place)
		case -1:
			ids.last = id
		default:
			name := names[n-1].(string)
			ids.byName[name], stored.Revisions[name] = id, event.Revision(place)
		}
	}
	if err := rows.Err(); err != nil {
		return stored, ids, fmt.Errorf("read where the batch starts: %w", err)
	}
	return stored, ids, nil
}

func (w *writer) insert(ctx context.Context, runs [][]event.Envelope, streams streamIDs) error {
	var rows []row
	for _, run := range runs {
		id, exists := streams.byName[run[0].Stream]
		if !exists {
			streams.last++
			id = streams.last
			streams.byName[run[0].Stream] = id
			if _, err := w.insertStream.ExecContext(ctx, id, run[0].Stream); err != nil {
				return fmt.Errorf("insert a stream: %w", err)
			}
		}
		for i := range run {
			rows = append(rows, row{stream: id, Envelope: &run[i]})
		}
	}
	for _, size := range insertSizes {
		for len(rows) >= size {
			w.args = w.args[:0]
			for _, r := range rows[:size] {
				w.args = r.appendTo(w.args)
			}
			if _, err := w.inserts[size].ExecContext(ctx, w.args...); err != nil {
				return fmt.Errorf("insert events: %w", err)
			}
			rows = rows[size:]
		}
	}
	return nil
}

// row is an event on its way into the table events.
type row struct {
	stream int64
	*event.Envelope
}

func (r row) appendTo(args []any) []any {
	data := r.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	return append(args,
		int64(r.Position), r.stream, int64(r.Revision), r.ID[:], string(r.Type), r.RecordedAt.UnixMicro(),
		r.Tenant, r.Actor, r.Correlation, r.Causation, r.CommandID, r.RequestHash, data)
}
