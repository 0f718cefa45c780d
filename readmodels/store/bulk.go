package store

import (
	"fmt"
	"strconv"
	"strings"
)

// bulk returns the statements that make the changes on PostgreSQL: one for all rows of a form, whose columns travel as arrays.
// It fails with [ErrRejected] when a column would hold both numbers and text.
func (c *Changes) bulk() ([]Statement, error) {
	groups := c.groups()
	statements := make([]Statement, len(groups))
	for i, g := range groups {
		a := arrays{rows: g.rows, inserted: g.inserted}
		values := make([]string, len(g.columns))
		for j, column := range g.columns {
			var err error
			if values[j], err = a.column(column); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", g.name, column, err)
			}
		}
		text := ""
		if g.inserted {
			text = "INSERT INTO " + g.name + " (" + strings.Join(g.columns, ", ") + ") SELECT " + strings.Join(values, ", ")
		} else {
			keys := a.keys()
			text = "UPDATE " + g.name + " AS t SET " + assignments(g.columns, values) + a.from() + " WHERE t." + g.table.Key + " = " + keys
		}
		statements[i] = Statement{SQL: text, Args: a.args, Rows: int64(len(g.rows))}
	}
	return statements, nil
}

func assignments(columns layout, values []string) string {
	sets := make([]string, len(columns))
	for i, column := range columns {
		if name, adds := strings.CutPrefix(column, "+"); adds {
			sets[i] = name + " = t." + name + " + " + values[i]
		} else {
			sets[i] = column + " = " + values[i]
		}
	}
	return strings.Join(sets, ", ")
}

// arrays collects the columns of rows as the arguments of unnest: each in the SELECT list of an insert, which costs the server
// least, and all in the FROM list of an update.
type arrays struct {
	rows     []*rowChange
	inserted bool
	casts    []string
	args     []any
}

// column returns the expression for a column's values.
func (a *arrays) column(column string) (string, error) {
	texts, numbers := 0, 0
	for _, r := range a.rows {
		switch r.value(column).(type) {
		case string:
			texts++
		case int64:
			numbers++
		}
	}
	value := func(r *rowChange) any { return r.value(column) }
	switch {
	case texts > 0 && numbers > 0:
		return "", fmt.Errorf("%w: both numbers and text", ErrRejected)
	case texts > 0:
		return a.add("text", array[string](a.rows, texts == len(a.rows), value)), nil
	case numbers > 0:
		return a.add("bigint", array[int64](a.rows, numbers == len(a.rows), value)), nil
	default:
		return "NULL", nil // of the column's own type
	}
}

func (a *arrays) keys() string {
	return a.add("text", array[string](a.rows, true, func(r *rowChange) any { return r.key }))
}

func (a *arrays) add(kind string, values any) string {
	a.args = append(a.args, values)
	cast := "$" + strconv.Itoa(len(a.args)) + "::" + kind + "[]"
	if a.inserted {
		return "unnest(" + cast + ")"
	}
	a.casts = append(a.casts, cast)
	return "v.c" + strconv.Itoa(len(a.args))
}

func (a *arrays) from() string {
	names := make([]string, len(a.args))
	for i := range names {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return " FROM unnest(" + strings.Join(a.casts, ", ") + ") AS v(" + strings.Join(names, ", ") + ")"
}

// array is one value of each row: plain values when all are there, otherwise pointers, nil for NULL.
func array[T any](rows []*rowChange, complete bool, value func(*rowChange) any) any {
	if complete {
		plain := make([]T, len(rows))
		for i, r := range rows {
			plain[i], _ = value(r).(T)
		}
		return plain
	}
	some := make([]*T, len(rows))
	for i, r := range rows {
		if v, there := value(r).(T); there {
			some[i] = &v
		}
	}
	return some
}
