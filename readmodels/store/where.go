package store

import (
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Arguments are those of a statement. Their placeholders are numbered in the order in which they were added.
type Arguments []any

// Add adds an argument and returns its placeholder.
func (a *Arguments) Add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}

// Where is the conditions of a statement, of which there is at least one, and its arguments.
type Where struct {
	Arguments
	conditions []string
}

// And adds a condition.
func (w *Where) And(condition string) { w.conditions = append(w.conditions, condition) }

// Equal adds the condition that a column has a value.
func (w *Where) Equal(column string, value any) { w.And(column + " = " + w.Add(value)) }

// OneOf adds the condition that a column has one of the values, of which there is at least one.
func (w *Where) OneOf(column string, values []string) {
	if len(values) == 1 {
		w.Equal(column, values[0])
		return
	}
	placeholders := make([]string, len(values))
	for i, v := range values {
		placeholders[i] = w.Add(v)
	}
	w.And(column + " IN (" + strings.Join(placeholders, ", ") + ")")
}

// String returns the clause, with a blank before it.
func (w *Where) String() string { return " WHERE " + strings.Join(w.conditions, " AND ") }

// ParseID returns an id in its canonical form, if s is one.
func ParseID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	id, err := uuid.Parse(s)
	return id.String(), err == nil
}
