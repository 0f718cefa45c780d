package store

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Table describes the rows a projection writes.
type Table struct {
	Name  string   // without the generation
	Key   string   // the unique column by which rows are updated and looked up; empty: rows are only ever inserted
	Order []string // the primary key, by which content is compared
}

// Definition describes a projection's tables. Queries that join tables name them in the order given here, in which a switch
// locks them: neither then waits for the other.
type Definition struct {
	Name    string
	Version int // grows when the same events would give other rows or tables
	Tables  []Table
	Schema  fs.FS // holds the statements that make the tables: sqlite.sql and postgres.sql. "_gN" in them stands for the generation.
}

func (d Definition) tableNames() string {
	names := make([]string, len(d.Tables))
	for i, t := range d.Tables {
		names[i] = t.Name
	}
	return strings.Join(names, ",")
}

// indexMark separates the tables of a template from the indexes, which a rebuild makes once the rows are there.
const indexMark = "\n-- indexes\n"

// ddl returns the statements that make a generation's tables and those that make its indexes.
func (d Definition) ddl(engine string, generation int64) (tables, indexes []string, err error) {
	template, err := fs.ReadFile(d.Schema, engine+".sql")
	if err != nil {
		return nil, nil, fmt.Errorf("schema of projection %q: %w", d.Name, err)
	}
	text := strings.ReplaceAll(string(template), "_gN", suffix(generation))
	first, second, _ := strings.Cut(text, indexMark)
	return split(first), split(second), nil
}

func split(script string) []string {
	var statements []string
	for statement := range strings.SplitSeq(script, ";\n") {
		if statement = strings.TrimSpace(statement); statement != "" {
			statements = append(statements, statement)
		}
	}
	return statements
}

// suffix is what a generation's tables have at the end of their names.
func suffix(generation int64) string { return "_g" + strconv.FormatInt(generation, 10) }
