package store

import (
	"strconv"
	"strings"
)

// Statement is one portable statement: placeholders are $1, $2 …, each used once and in this order.
type Statement struct {
	SQL  string
	Args []any
	Rows int64 // how many rows it must change
}

// Statements returns portable statements that make the changes.
func (c *Changes) Statements() []Statement {
	var statements []Statement
	for _, g := range c.groups() {
		if g.inserted {
			statements = append(statements, insertStatements(g.name, g.columns, g.rows)...)
		} else {
			statements = append(statements, updateStatements(g.name, g.table.Key, g.columns, g.rows)...)
		}
	}
	return statements
}

// maxArguments bounds one statement, far below what any engine takes.
const maxArguments = 1024

func insertStatements(table string, columns layout, rows []*rowChange) []Statement {
	var statements []Statement
	for len(rows) > 0 {
		// Powers of two, so that few different texts exist and all of them stay prepared.
		size := 1
		for size*2 <= len(rows) && size*2*len(columns) <= maxArguments {
			size *= 2
		}
		args := make([]any, 0, size*len(columns))
		for _, change := range rows[:size] {
			for _, column := range columns {
				args = append(args, change.values[column])
			}
		}
		statements = append(statements, Statement{SQL: insertText(table, columns, size), Args: args, Rows: int64(size)})
		rows = rows[size:]
	}
	return statements
}

func insertText(table string, columns layout, rows int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	n := 0
	for i := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range columns {
			n++
			b.WriteString([]string{"(", ", "}[min(j, 1)] + "$" + strconv.Itoa(n))
		}
		b.WriteString(")")
	}
	return b.String()
}

func updateStatements(table, key string, columns layout, rows []*rowChange) []Statement {
	sets := make([]string, len(columns))
	for i, column := range columns {
		place := "$" + strconv.Itoa(i+1)
		if name, adds := strings.CutPrefix(column, "+"); adds {
			sets[i] = name + " = " + name + " + " + place
		} else {
			sets[i] = column + " = " + place
		}
	}
	text := "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " WHERE " + key + " = $" + strconv.Itoa(len(columns)+1)
	statements := make([]Statement, len(rows))
	for n, change := range rows {
		args := make([]any, 0, len(columns)+1)
		for _, column := range columns {
			args = append(args, change.value(column))
		}
		statements[n] = Statement{SQL: text, Args: append(args, change.key), Rows: 1}
	}
	return statements
}

// value is what a statement is given for a column of a layout.
func (r *rowChange) value(column string) any {
	value := r.values[strings.TrimPrefix(column, "+")]
	if increment, adds := value.(Increment); adds {
		return int64(increment)
	}
	return value
}
