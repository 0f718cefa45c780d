package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Row is what both [*sql.Row] and [*sql.Rows] can do.
type Row interface{ Scan(into ...any) error }

// Column is a column that a query returns, and where its value goes in the row's Go type.
type Column[T any] struct {
	name string
	into func(*T) any
}

// Col is the column of a name. Its values go to what into returns: a pointer or a [sql.Scanner].
func Col[T any](name string, into func(*T) any) Column[T] { return Column[T]{name, into} }

// Columns are what a query returns. The list a statement names and the destinations of its values are both made of it, so
// that they cannot differ.
type Columns[T any] []Column[T]

// String returns the list for a SELECT.
func (c Columns[T]) String() string {
	names := make([]string, len(c))
	for i, column := range c {
		names[i] = column.name
	}
	return strings.Join(names, ", ")
}

// Scan reads a row.
func (c Columns[T]) Scan(r Row) (row T, err error) {
	into := make([]any, len(c))
	for i, column := range c {
		into[i] = column.into(&row)
	}
	err = r.Scan(into...)
	return row, err
}

// Scalar reads a row of one column.
func Scalar[T any](r Row) (value T, err error) {
	err = r.Scan(&value)
	return value, err
}

// Time scans a time stored as microseconds since 1970.
type Time struct{ Into *time.Time }

// Scan implements [sql.Scanner].
func (t Time) Scan(value any) error {
	micros, ok := value.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", value)
	}
	*t.Into = time.UnixMicro(micros).UTC()
	return nil
}

// NullableTime scans a time that may be NULL.
type NullableTime struct{ Into **time.Time }

// Scan implements [sql.Scanner].
func (t NullableTime) Scan(value any) error {
	if value == nil {
		*t.Into = nil
		return nil
	}
	*t.Into = new(time.Time)
	return Time{*t.Into}.Scan(value)
}

// JSON scans a value stored as JSON.
type JSON[T any] struct{ Into *T }

// Scan implements [sql.Scanner].
func (j JSON[T]) Scan(value any) error {
	var data []byte
	switch v := value.(type) {
	case string:
		data = []byte(v)
	case []byte:
		data = v
	default:
		return fmt.Errorf("JSON is stored as %T", value)
	}
	return json.Unmarshal(data, j.Into)
}
