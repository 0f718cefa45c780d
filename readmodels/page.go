package readmodels

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The bounds of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Paging asks for a part of a list.
type Paging struct {
	Cursor string // of the page before; empty for the first page
	Limit  int    // rows, 1 to [MaxLimit]; 0 for [DefaultLimit]
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page; empty when this is the last
}

// maxCursor bounds what is decoded.
const maxCursor = 1024

// cursor is the place after a row: the list's order, the row's sort key and its place among equal keys.
type cursor struct {
	Epoch string `json:"e,omitempty"` // of the ledger, see cursorEpoch
	Order string `json:"o"`
	Key   string `json:"k"`
	Row   int64  `json:"r"`
}

func (c cursor) String() string {
	data, err := json.Marshal(c)
	if err != nil {
		return "" // three plain fields always marshal
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// cursorEpoch is what cursors hold of the ledger's epoch: its last digits, which are random.
func (db *DB) cursorEpoch() string {
	epoch := db.Origin().Epoch
	return epoch[max(0, len(epoch)-12):]
}

// start returns the limit and the cursor of a request for a list in the given order; the cursor is nil for the first page. Cursors that
// an older version handed out name no epoch.
func (db *DB) start(p Paging, order string) (limit int, from *cursor, err error) {
	limit = p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return 0, nil, fmt.Errorf("%w: the limit must be 1 to %d", ErrInvalidQuery, MaxLimit)
	}
	if p.Cursor == "" {
		return limit, nil, nil
	}
	if len(p.Cursor) > maxCursor {
		return 0, nil, ErrBadCursor
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(p.Cursor)
	if err != nil {
		return 0, nil, ErrBadCursor
	}
	from = &cursor{}
	if err := json.Unmarshal(data, from); err != nil || from.Order != order || from.String() != p.Cursor {
		return 0, nil, ErrBadCursor
	}
	if from.Epoch != "" && from.Epoch != db.cursorEpoch() {
		return 0, nil, ErrOtherEpoch
	}
	return limit, from, nil
}

// arguments collects the arguments of a statement and hands out their placeholders in order of first use.
type arguments []any

func (a *arguments) add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}

// where collects the conditions of a statement.
type where struct {
	arguments
	conditions []string
}

func (w *where) and(condition string) { w.conditions = append(w.conditions, condition) }

func (w *where) equal(column string, value any) { w.and(column + " = " + w.add(value)) }

func (w *where) String() string { return " WHERE " + strings.Join(w.conditions, " AND ") }

// row is what both *sql.Row and *sql.Rows can do.
type row interface{ Scan(into ...any) error }

func one[T any](ctx context.Context, db *DB, scan func(row) (T, error), query string, args ...any) (found T, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err = db.withRetry(ctx, db.read, func() (err error) {
		found, err = scan(db.read.QueryRowContext(ctx, query, args...))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return found, ErrNotFound
	}
	if err != nil {
		return found, fmt.Errorf("query the read models: %w", err)
	}
	return found, nil
}

func list[T any](ctx context.Context, db *DB, scan func(row) (T, error), query string, args ...any) (items []T, err error) {
	return listFrom(ctx, db, db.read, scan, query, args)
}

// listFrom is list from another pool than the one that answers queries.
func listFrom[T any](ctx context.Context, db *DB, from *sql.DB, scan func(row) (T, error), query string, args []any) (items []T, err error) {
	ctx, cancel := db.bounded(ctx)
	defer cancel()
	err = db.withRetry(ctx, from, func() (err error) {
		items, err = rowsOf(ctx, from, scan, query, args)
		return err
	})
	return items, err
}

// withRetry runs a query, and again after what an engine calls an interruption: any connection left idle may have broken.
func (db *DB) withRetry(ctx context.Context, from *sql.DB, query func() error) error {
	err := query()
	for again := 1 + from.Stats().Idle; again > 0 && err != nil && ctx.Err() == nil && db.engine.isRetryable(err); again-- {
		err = query()
	}
	if err != nil && ctx.Err() == nil && db.engine.isRetryable(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return db.explain(ctx, err)
}

// explain adds ErrUnavailable to errors of circumstances that may pass. When ctx has ended, that is the reason.
func (db *DB) explain(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrUnavailable) || !db.engine.unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func rowsOf[T any](ctx context.Context, from *sql.DB, scan func(row) (T, error), query string, args []any) (items []T, err error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("query the read models: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read a row of the read models: %w", err)
		}
		items = append(items, item)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query the read models: %w", err)
	}
	return items, nil
}

// paged cuts the one row too many that was asked for and turns it into a cursor.
func paged[T any](db *DB, items []T, limit int, after func(T) cursor) Page[T] {
	if len(items) <= limit {
		return Page[T]{Items: items}
	}
	items = items[:limit]
	next := after(items[limit-1])
	next.Epoch = db.cursorEpoch()
	return Page[T]{Items: items, Next: next.String()}
}

// timeColumn scans a time stored as microseconds since 1970.
type timeColumn struct{ into *time.Time }

// Scan implements [sql.Scanner].
func (i timeColumn) Scan(value any) error {
	micros, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", value)
	}
	*i.into = time.UnixMicro(micros).UTC()
	return nil
}

// nullableTime scans a time that may be NULL.
type nullableTime struct{ into **time.Time }

// Scan implements [sql.Scanner].
func (i nullableTime) Scan(value any) error {
	if value == nil {
		*i.into = nil
		return nil
	}
	*i.into = new(time.Time)
	return timeColumn{*i.into}.Scan(value)
}

// jsonColumn scans a value stored as JSON.
type jsonColumn[T any] struct{ into *T }

// Scan implements [sql.Scanner].
func (d jsonColumn[T]) Scan(value any) error {
	var data []byte
	switch v := value.(type) {
	case string:
		data = []byte(v)
	case []byte:
		data = v
	default:
		return fmt.Errorf("JSON is stored as %T", value)
	}
	return json.Unmarshal(data, d.into)
}
