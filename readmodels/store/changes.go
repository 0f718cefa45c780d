package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalidChange refuses a change that no statement can be made of: an unknown table, a missing key, a type that is not stored.
var ErrInvalidChange = errors.New("invalid change of rows")

// ErrLookup says that a row could not be looked up for reasons of the database; the same may succeed later.
var ErrLookup = errors.New("the rows cannot be read")

// Values are a row's columns. A value is a string, an int64 or nil; in an update it may be an [Increment].
type Values map[string]any

// Increment adds to a column that is not NULL.
type Increment int64

// Changes collects what a batch of events does to the rows of one projection, in order. Changes of one row become one
// statement and new rows are inserted many at a time, so that a batch costs as little as its outcome, not its history.
type Changes struct {
	definition Definition
	generation int64
	db         *DB
	tables     map[string]*tableChanges
}

type tableChanges struct {
	table   Table
	rows    []*rowChange
	byKey   map[string]*rowChange
	layouts []layout
}

type rowChange struct {
	inserted bool
	key      string
	values   Values
}

// layout is a set of columns in the order a statement names them.
type layout []string

// Changes begins to collect changes of the rows behind a checkpoint.
func (db *DB) Changes(definition Definition, at Checkpoint) *Changes {
	c := &Changes{definition: definition, generation: at.Generation, db: db, tables: make(map[string]*tableChanges, len(definition.Tables))}
	for _, t := range definition.Tables {
		c.tables[t.Name] = &tableChanges{table: t, byKey: map[string]*rowChange{}}
	}
	return c
}

// Insert adds a row.
func (c *Changes) Insert(table string, values Values) error {
	t, err := c.of(table)
	if err != nil {
		return err
	}
	for column, value := range values {
		if err := storable(value); err != nil {
			return fmt.Errorf("%w: %s.%s: %w", ErrInvalidChange, table, column, err)
		}
	}
	change := &rowChange{inserted: true, values: values}
	if t.table.Key != "" {
		key, ok := values[t.table.Key].(string)
		if !ok || t.byKey[key] != nil {
			return fmt.Errorf("%w: a row of %s needs a new key", ErrInvalidChange, table)
		}
		change.key = key
		t.byKey[key] = change
	}
	t.rows = append(t.rows, change)
	return nil
}

// Update changes columns of the row with a key. The row must exist.
func (c *Changes) Update(table, key string, values Values) error {
	t, err := c.of(table)
	if err != nil {
		return err
	}
	if t.table.Key == "" {
		return fmt.Errorf("%w: rows of %s have no key", ErrInvalidChange, table)
	}
	change := t.byKey[key]
	if change == nil {
		change = &rowChange{key: key, values: make(Values, len(values))}
		t.byKey[key] = change
		t.rows = append(t.rows, change)
	}
	for column, value := range values {
		increment, adds := value.(Increment)
		if !adds {
			if err := storable(value); err != nil {
				return fmt.Errorf("%w: %s.%s: %w", ErrInvalidChange, table, column, err)
			}
			change.values[column] = value
			continue
		}
		switch before := change.values[column].(type) {
		case int64:
			change.values[column] = before + int64(increment)
		case Increment:
			change.values[column] = before + increment
		default:
			if change.inserted || before != nil {
				return fmt.Errorf("%w: %s.%s is not a number to add to", ErrInvalidChange, table, column)
			}
			change.values[column] = increment
		}
	}
	return nil
}

// Text returns a text column of the row with a key, as these changes leave it. It fails with [ErrNotFound].
func (c *Changes) Text(ctx context.Context, table, key, column string) (string, error) {
	value, err := c.lookup(ctx, table, key, column)
	if err != nil {
		return "", err
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%w: %s.%s is %T, not text", ErrInvalidChange, table, column, value)
	}
	return text, nil
}

// Number returns a number column of the row with a key, as these changes leave it. It fails with [ErrNotFound].
func (c *Changes) Number(ctx context.Context, table, key, column string) (int64, error) {
	value, err := c.lookup(ctx, table, key, column)
	if err != nil {
		return 0, err
	}
	number, ok := value.(int64)
	if !ok {
		return 0, fmt.Errorf("%w: %s.%s is %T, not a number", ErrInvalidChange, table, column, value)
	}
	return number, nil
}

func (c *Changes) lookup(ctx context.Context, table, key, column string) (any, error) {
	ctx, cancel := c.db.bounded(ctx)
	defer cancel()
	t, err := c.of(table)
	if err != nil {
		return nil, err
	}
	if change := t.byKey[key]; change != nil {
		value, changed := change.values[column]
		if _, adds := value.(Increment); adds {
			return nil, fmt.Errorf("%w: %s.%s is only known by its change", ErrInvalidChange, table, column)
		}
		if changed || change.inserted {
			return value, nil
		}
	}
	var value any
	query := "SELECT " + column + " FROM " + table + suffix(c.generation) + " WHERE " + t.table.Key + " = $1"
	switch err := c.db.engine.lookup(ctx, generationOf{c.definition.Name, c.generation}, query, key, &value); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("row of %s: %w", table, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("%w: %s.%s: %w", ErrLookup, table, column, err)
	}
	return value, nil
}

func (c *Changes) of(table string) (*tableChanges, error) {
	t := c.tables[table]
	if t == nil {
		return nil, fmt.Errorf("%w: projection %s has no table %q", ErrInvalidChange, c.definition.Name, table)
	}
	return t, nil
}

func storable(value any) error {
	switch value.(type) {
	case nil, string, int64:
		return nil
	default:
		return fmt.Errorf("%T is not stored", value)
	}
}

// group is all changes of one table that a statement of the same form can make.
type group struct {
	table    Table
	name     string // with the generation
	columns  layout
	inserted bool
	rows     []*rowChange
}

// groups sorts the changes. No two of them touch the same row, so within a transaction their order does not matter.
func (c *Changes) groups() []group {
	var groups []group
	for _, table := range c.definition.Tables {
		t := c.tables[table.Name]
		inserts, updates := map[int][]*rowChange{}, map[int][]*rowChange{}
		for _, change := range t.rows {
			into := updates
			if change.inserted {
				into = inserts
			}
			shape := t.layout(change.values)
			into[shape] = append(into[shape], change)
		}
		for shape, columns := range t.layouts {
			for _, g := range []group{{rows: inserts[shape], inserted: true}, {rows: updates[shape]}} {
				if len(g.rows) > 0 {
					g.table, g.name, g.columns = table, table.Name+suffix(c.generation), columns
					groups = append(groups, g)
				}
			}
		}
	}
	return groups
}

// layout returns the number of the layout that values have. Increments count as columns of their own kind.
func (t *tableChanges) layout(values Values) int {
	for i, columns := range t.layouts {
		if columns.fits(values) {
			return i
		}
	}
	columns := make(layout, 0, len(values))
	for column, value := range values {
		if _, adds := value.(Increment); adds {
			column = "+" + column
		}
		columns = append(columns, column)
	}
	slices.Sort(columns)
	t.layouts = append(t.layouts, columns)
	return len(t.layouts) - 1
}

func (l layout) fits(values Values) bool {
	if len(l) != len(values) {
		return false
	}
	for _, column := range l {
		name, adds := strings.CutPrefix(column, "+")
		value, there := values[name]
		if _, is := value.(Increment); !there || is != adds {
			return false
		}
	}
	return true
}
