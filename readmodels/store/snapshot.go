package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Snapshot is a projection's content as of one moment, however much is written meanwhile. It is used by one goroutine at a
// time, and must be closed: the database keeps what it shows.
type Snapshot struct {
	conn       *SnapshotConn
	tx         *sql.Tx
	end        context.CancelFunc
	definition Definition
	generation int64
	position   uint64
}

// Snapshot holds on to the content of a projection's serving generation. It fails with [ErrNotFound], and with the errors of
// [DB.SnapshotConn].
func (db *DB) Snapshot(ctx context.Context, definition Definition) (*Snapshot, error) {
	conn, err := db.SnapshotConn(ctx)
	if err != nil {
		return nil, err
	}
	return conn.Snapshot(ctx, definition)
}

// Generation is the content of another generation as of the same moment, such as one that has just ceased to serve. It closes with
// s, and fails with [ErrNotFound] when the generation was dropped.
func (s *Snapshot) Generation(ctx context.Context, generation int64) (*Snapshot, error) {
	other := *s
	other.generation = generation
	err := s.tx.QueryRowContext(ctx, `SELECT position FROM projections WHERE name = $1 AND generation = $2`, s.definition.Name,
		generation).Scan(&other.position)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot of generation %d of %s: %w", generation, s.definition.Name, s.conn.db.explain(ctx, err))
	}
	return &other, nil
}

// Position is the position of the last event whose rows are in the snapshot.
func (s *Snapshot) Position() uint64 { return s.position }

// Close lets go of the content.
func (s *Snapshot) Close() error {
	defer s.end()
	return errors.Join(rolledBack(s.tx), s.conn.Close())
}

// Checksum is the SHA-256, in hexadecimal, over every row of every table: tables in the order of the definition, rows by
// primary key, columns by name, each value as text: numbers ended, text with its length before it. It depends neither on the
// engine nor on the generation, so the same events always give the same checksum.
func (s *Snapshot) Checksum(ctx context.Context) (string, error) {
	h := sha256.New()
	var line []byte
	for _, table := range s.definition.Tables {
		h.Write(field(nil, table.Name))
		for content, err := range s.rows(ctx, table) {
			if err != nil {
				return "", err
			}
			line = line[:0]
			for i, column := range content.columns {
				line = content.values[i].appendTo(field(line, column))
			}
			h.Write(line)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// field appends a text with its length before it.
func field(to []byte, text string) []byte {
	to = strconv.AppendInt(to, int64(len(text)), 10)
	to = append(to, ':')
	return append(to, text...)
}

// Difference is the first place where the content of two snapshots differs. It names columns, never their values, which may
// be personal data.
type Difference struct {
	Projection string
	Table      string
	Row        string   // the numbers of the primary key, such as "position=12"
	Columns    []string // that differ; empty when one side lacks the row
	MissingIn  string   // "left" or "right" when one side lacks the row
}

// String returns the difference in one line.
func (d Difference) String() string {
	place := fmt.Sprintf("projection %s, table %s, row %s", d.Projection, d.Table, d.Row)
	if d.MissingIn != "" {
		return place + ": missing in the " + d.MissingIn
	}
	return place + ": differs in " + strings.Join(d.Columns, ", ")
}

// FirstDifference compares two snapshots of one projection, row by row. It returns nil when their content is the same.
func FirstDifference(ctx context.Context, left, right *Snapshot) (*Difference, error) {
	for _, table := range left.definition.Tables {
		d, err := firstDifferenceIn(ctx, left, right, table)
		if d != nil || err != nil {
			return d, err
		}
	}
	return nil, nil
}

func firstDifferenceIn(ctx context.Context, left, right *Snapshot, table Table) (*Difference, error) {
	nextRight, stop := iter.Pull2(right.rows(ctx, table))
	defer stop()
	found := &Difference{Projection: left.definition.Name, Table: table.Name}
	for l, err := range left.rows(ctx, table) {
		if err != nil {
			return nil, err
		}
		r, err, more := nextRight()
		if err != nil {
			return nil, err
		}
		found.Row = l.key(table.Order)
		if !more {
			found.MissingIn = "right"
			return found, nil
		}
		if order := slices.CompareFunc(l.ordered(table.Order), r.ordered(table.Order), stored.compare); order != 0 {
			found.MissingIn = "right"
			if order > 0 {
				found.Row, found.MissingIn = r.key(table.Order), "left"
			}
			return found, nil
		}
		for i, column := range l.columns {
			if i >= len(r.columns) || r.columns[i] != column || l.values[i] != r.values[i] {
				found.Columns = append(found.Columns, column)
			}
		}
		if len(found.Columns) > 0 {
			return found, nil
		}
	}
	r, err, more := nextRight()
	if err != nil || !more {
		return nil, err
	}
	found.Row, found.MissingIn = r.key(table.Order), "left"
	return found, nil
}

// content is one row, its columns sorted by name. The slices are reused for the next row.
type content struct {
	columns []string
	values  []stored
}

// stored is a value in the form in which content is compared, the same on every engine.
type stored struct {
	kind byte // 'n' for NULL, 'i' for a number, 't' for text
	num  int64
	text string
}

func (s stored) appendTo(to []byte) []byte {
	to = append(to, s.kind)
	if s.kind == 'i' {
		return append(strconv.AppendInt(to, s.num, 10), ';')
	}
	return field(to, s.text)
}

func (s stored) compare(other stored) int {
	if s.kind == 'i' && other.kind == 'i' {
		return cmp.Compare(s.num, other.num)
	}
	return strings.Compare(s.text, other.text)
}

// Scan implements [sql.Scanner].
func (s *stored) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*s = stored{kind: 'n'}
	case int64:
		*s = stored{kind: 'i', num: v}
	case bool:
		*s = stored{kind: 'i'}
		if v {
			s.num = 1
		}
	case time.Time:
		*s = stored{kind: 'i', num: v.UnixMicro()}
	case string:
		*s = stored{kind: 't', text: v}
	case []byte:
		*s = stored{kind: 't', text: string(v)}
	default:
		return fmt.Errorf("content cannot hold %T", value)
	}
	return nil
}

func (c content) ordered(order []string) []stored {
	key := make([]stored, len(order))
	for i, column := range order {
		if at, found := slices.BinarySearch(c.columns, column); found {
			key[i] = c.values[at]
		}
	}
	return key
}

func (c content) key(order []string) string {
	var parts []string
	for i, value := range c.ordered(order) {
		if value.kind == 'i' { // text may be personal data, and every key has a number
			parts = append(parts, order[i]+"="+strconv.FormatInt(value.num, 10))
		}
	}
	return strings.Join(parts, " ")
}

// rows yields a table's rows by primary key.
func (s *Snapshot) rows(ctx context.Context, table Table) iter.Seq2[content, error] {
	return func(yield func(content, error) bool) {
		name := table.Name + suffix(s.generation)
		query := "SELECT * FROM " + name + " ORDER BY " + strings.Join(table.Order, ", ") //nolint:gosec // the definition's own names
		rows, err := s.tx.QueryContext(ctx, query)
		if err != nil {
			yield(content{}, fmt.Errorf("read %s: %w", name, s.conn.db.explain(ctx, err)))
			return
		}
		defer func() { _ = rows.Close() }() // its error is the one of rows.Err
		columns, err := rows.Columns()
		if err != nil {
			yield(content{}, fmt.Errorf("read %s: %w", name, s.conn.db.explain(ctx, err)))
			return
		}
		sorted := slices.Sorted(slices.Values(columns))
		c := content{columns: sorted, values: make([]stored, len(sorted))}
		into := make([]any, len(columns))
		for i, column := range columns {
			at, _ := slices.BinarySearch(sorted, column)
			into[i] = &c.values[at]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				yield(content{}, fmt.Errorf("read %s: %w", name, s.conn.db.explain(ctx, err)))
				return
			}
			if !yield(c, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(content{}, fmt.Errorf("read %s: %w", name, s.conn.db.explain(ctx, err)))
		}
	}
}

// RecordChecksum keeps a checksum beside the projection it was computed of. It fails with [ErrFenced].
func (db *DB) RecordChecksum(ctx context.Context, at Checkpoint, checksum string) error {
	err := expectRows(1, ErrFenced)(db.write.ExecContext(ctx, `UPDATE projections SET checksum = $1, checksum_position = $2
		WHERE name = $3 AND generation = $4 AND epoch = $5`, checksum, at.Position, at.Name, at.Generation, at.Epoch))
	if err != nil {
		return fmt.Errorf("record the checksum of %s: %w", at.Name, err)
	}
	return nil
}
