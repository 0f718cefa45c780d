package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
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

// maxCursor bounds what is decoded, in bytes.
const maxCursor = 1024

// Cursor is the place after a row of a list.
type Cursor struct {
	Epoch  string `json:"e,omitempty"` // of the ledger, see cursorEpoch
	Filter string `json:"f,omitempty"` // of the list, see Filtered
	Order  string `json:"o"`           // of the list
	Key    string `json:"k"`           // what the row is sorted by; empty when that is Row
	Row    int64  `json:"r"`           // tells rows of the same key apart
}

// String returns the cursor as clients get it.
func (c Cursor) String() string {
	data, err := json.Marshal(c)
	if err != nil {
		return "" // three plain fields always marshal
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// Filtered returns what cursors hold of the filters of a list: a hash, equal for equal filters. A cursor must be used with the filters that
// it was handed out for.
func Filtered(by ...any) string {
	hash := sha256.Sum256(fmt.Appendf(nil, "%#v", by))
	return base64.RawURLEncoding.EncodeToString(hash[:6])
}

// cursorEpoch is what cursors hold of the ledger's epoch: its last digits, which are random.
func (db *DB) cursorEpoch() string {
	epoch := db.Origin().Epoch
	return epoch[max(0, len(epoch)-12):]
}

// Start returns the limit and the cursor of a request for a list with the given filter and order; the cursor is nil for the first page.
// Cursors that an older version handed out name no epoch or no filter. It fails with [ErrInvalidQuery], [ErrBadCursor] or [ErrOtherEpoch].
func (db *DB) Start(p Paging, filter, order string) (limit int, from *Cursor, err error) {
	limit = p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return 0, nil, &InvalidQueryError{"limit", "must be 1 to " + strconv.Itoa(MaxLimit)}
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
	from = &Cursor{}
	if err := json.Unmarshal(data, from); err != nil || from.Order != order || from.String() != p.Cursor ||
		strings.ContainsRune(from.Key, 0) { // not every engine can store U+0000, so no row is sorted by it
		return 0, nil, ErrBadCursor
	}
	if from.Filter != "" && from.Filter != filter {
		return 0, nil, ErrBadCursor
	}
	if from.Epoch != "" && from.Epoch != db.cursorEpoch() {
		return 0, nil, ErrOtherEpoch
	}
	return limit, from, nil
}

// NewPage makes a page of limit rows, or fewer, out of at most one row more, which tells that there is a next page.
func NewPage[T any](db *DB, items []T, limit int, after func(T) Cursor) Page[T] {
	if len(items) <= limit {
		return Page[T]{Items: items}
	}
	items = items[:limit]
	next := after(items[limit-1])
	next.Epoch = db.cursorEpoch()
	return Page[T]{Items: items, Next: next.String()}
}

// Listing is a list in ascending order of a column of ledger positions, no two of which are equal.
type Listing[T any] struct {
	Order  string // names the list in its cursors
	Select string // the columns that Scan reads
	Scan   func(Row) (T, error)
	From   string // the tables
	Column string // of the positions
	Row    func(T) int64
}

// Page reads a page of the rows that meet the conditions. It fails with the errors of [DB.Start].
func (l Listing[T]) Page(ctx context.Context, db *DB, w Where, paging Paging) (Page[T], error) {
	filter := Filtered(w.conditions, []any(w.Arguments))
	limit, from, err := db.Start(paging, filter, l.Order)
	if err != nil {
		return Page[T]{}, err
	}
	if from != nil {
		w.And(l.Column + " > " + w.Add(from.Row))
	}
	query := "SELECT " + l.Select + " FROM " + l.From + w.String() + " ORDER BY " + l.Column + " LIMIT " + strconv.Itoa(limit+1)
	items, err := List(ctx, db, l.Scan, query, w.Arguments...)
	if err != nil {
		return Page[T]{}, err
	}
	return NewPage(db, items, limit, func(row T) Cursor { return Cursor{Filter: filter, Order: l.Order, Row: l.Row(row)} }), nil
}
