package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
)

// headAndRevisionsSQL asks for the head (n = 0) and the revisions of streams 1, 2, 3 …
func headAndRevisionsSQL(streams int) string {
	var touched strings.Builder
	for n := 1; n <= streams; n++ {
		if n > 1 {
			touched.WriteString(", ")
		}
		fmt.Fprintf(&touched, "(%d, ?)", n)
	}
	return `
WITH touched (n, stream) AS (VALUES ` + touched.String() + `)
SELECT 0, coalesce(max(position), 0)
  FROM events
UNION ALL
SELECT n, coalesce((SELECT max(revision) FROM events WHERE events.stream = touched.stream), 0)
  FROM touched`
}

func insertSQL(events int) string {
	const row = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	return `
INSERT INTO events (
    position, stream, revision, id, type, recorded_at,
    tenant, actor, correlation, causation, command_id, request_hash, data
) VALUES ` + row + strings.Repeat(", "+row, events-1)
}

const sliceSQL = `
SELECT ` + columns + `
  FROM events
 WHERE stream = ? AND revision > ?
 ORDER BY revision
 LIMIT ?`

// A statement is prepared once for each of these sizes.
var (
	insertSizes   = [...]int{64, 16, 4, 1}
	revisionSizes = [...]int{1, 4, 16, 64, groupcommit.MaxAppendsPerBatch}
)

// writer owns the only connection that writes. It is used by one goroutine at a time.
type writer struct {
	db   *sql.DB
	conn *sql.Conn // nil after a failure, until the next batch

	begin, commit, slice *sql.Stmt
	inserts              map[int]*sql.Stmt // by number of events
	revisions            map[int]*sql.Stmt // by number of streams
	args                 []any             // reused from insert to insert
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
		stmt, err = w.conn.PrepareContext(ctx, query)
		return stmt
	}
	w.begin, w.commit, w.slice = prepare(`BEGIN IMMEDIATE`), prepare(`COMMIT`), prepare(sliceSQL)
	w.inserts, w.revisions = map[int]*sql.Stmt{}, map[int]*sql.Stmt{}
	for _, n := range insertSizes {
		w.inserts[n] = prepare(insertSQL(n))
	}
	for _, n := range revisionSizes {
		w.revisions[n] = prepare(headAndRevisionsSQL(n))
	}
	return err
}

// disconnect throws the connection away, with any transaction that is still open in it.
func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool then closes it instead of keeping it
	_ = w.conn.Close()
	w.conn = nil
}

func (w *writer) close() error {
	var err error
	if w.conn != nil {
		err = w.conn.Close()
	}
	return errors.Join(err, w.db.Close())
}

// write stores a batch in one transaction. After a failure it starts again with a new connection, so that nothing of a
// failed batch is left behind and a full disk is over once there is room again.
func (w *writer) write(batch []groupcommit.Append) (groupcommit.Decision, error) {
	// Callers come and go; the batch belongs to all of them.
	ctx := context.Background()
	if w.conn == nil {
		if err := w.connect(ctx); err != nil {
			return groupcommit.Decision{}, err
		}
	}
	decision, err := w.transact(ctx, batch)
	if err != nil {
		w.disconnect()
		return groupcommit.Decision{}, err
	}
	return decision, nil
}

func (w *writer) transact(ctx context.Context, batch []groupcommit.Append) (groupcommit.Decision, error) {
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return groupcommit.Decision{}, fmt.Errorf("begin: %w", err)
	}
	stored, err := w.stored(ctx, batch)
	if err != nil {
		return groupcommit.Decision{}, err
	}
	decision, err := groupcommit.Decide(batch, stored)
	if err != nil {
		return groupcommit.Decision{}, err
	}
	if err := w.insert(ctx, slices.Concat(decision.Inserts...)); err != nil {
		return groupcommit.Decision{}, fmt.Errorf("insert: %w", err)
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		return groupcommit.Decision{}, fmt.Errorf("commit: %w", err)
	}
	return decision, nil
}

// stored reads, with one query, where the ledger and the streams of a batch are.
func (w *writer) stored(ctx context.Context, batch []groupcommit.Append) (groupcommit.Stored, error) {
	s := groupcommit.Stored{
		Revisions: make(map[string]event.Revision, len(batch)),
		Slice: func(stream string, after event.Revision, n int) ([]event.Envelope, error) {
			return scanEvents(w.slice.QueryContext(ctx, stream, clamp(after), n))
		},
	}
	streams := make([]any, 0, len(batch))
	for _, a := range batch {
		if _, seen := s.Revisions[a.Stream]; !seen {
			s.Revisions[a.Stream] = 0
			streams = append(streams, a.Stream)
		}
	}
	touched := len(streams)
	size := revisionSizes[slices.IndexFunc(revisionSizes[:], func(n int) bool { return n >= touched })]
	for len(streams) < size {
		streams = append(streams, nil) // no stream has this name
	}
	rows, err := w.revisions[size].QueryContext(ctx, streams...)
	if err != nil {
		return s, fmt.Errorf("read head and revisions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		var value int64
		if err := rows.Scan(&n, &value); err != nil {
			return s, fmt.Errorf("read head and revisions: %w", err)
		}
		switch {
		case n == 0:
			s.Head = event.Position(value)
		case n <= touched:
			s.Revisions[streams[n-1].(string)] = event.Revision(value)
		}
	}
	if err := rows.Err(); err != nil {
		return s, fmt.Errorf("read head and revisions: %w", err)
	}
	return s, nil
}

func (w *writer) insert(ctx context.Context, events []event.Envelope) error {
	for _, size := range insertSizes {
		for len(events) >= size {
			w.args = w.args[:0]
			for i := range events[:size] {
				w.args = appendRow(w.args, &events[i])
			}
			if _, err := w.inserts[size].ExecContext(ctx, w.args...); err != nil {
				return err
			}
			events = events[size:]
		}
	}
	return nil
}

func appendRow(args []any, e *event.Envelope) []any {
	data := e.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	return append(args,
		int64(e.Position), e.Stream, int64(e.Revision), e.ID[:], string(e.Type), e.RecordedAt.UnixMicro(),
		e.Tenant, e.Actor, e.Correlation, e.Causation, e.CommandID, e.RequestHash, data)
}

// truncateLog moves what is left of the write-ahead log into the database file and empties the log, between two batches.
func (w *writer) truncateLog() error {
	if w.conn == nil {
		return nil
	}
	// A reader in the middle of a page is done in milliseconds; do not hold up appends for one that is not.
	return w.withBusyTimeout(100, func(ctx context.Context) error {
		return checkpoint(ctx, w.conn, "TRUNCATE")
	})
}

func (w *writer) withBusyTimeout(millis int, do func(context.Context) error) error {
	ctx := context.Background()
	if _, err := w.conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, millis)); err != nil {
		return err
	}
	err := do(ctx)
	_, restored := w.conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, busyTimeoutMillis))
	return errors.Join(err, restored)
}
