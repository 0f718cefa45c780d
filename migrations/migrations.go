// Package migrations holds the numbered SQL files that make and upgrade every database of the program, and applies them.
//
// A file lies in <dialect>/<schema>/NNNNN_what_it_does.sql, is written for goose and, once released, never changes.
// There is no way down: an upgrade is undone by restoring a backup.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pressly/goose/v3"
)

// files holds every dialect's folder; a schema without a folder has no migrations.
//
//go:embed sqlite postgres
var files embed.FS

// Dialect is the kind of SQL a database speaks.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// Schema is one set of tables, with a version of its own.
type Schema string

// The schemas.
const (
	// Ledger holds the events.
	Ledger Schema = "ledger"
	// Keys holds the sealed keys; it is never part of a ledger's backup.
	Keys Schema = "keys"
	// Readmodels holds what projections derive; it can be rebuilt from the ledger.
	Readmodels Schema = "readmodels"
)

var (
	// ErrNewerDatabase says that the database was upgraded by a later version of the program and must not be touched by this one.
	ErrNewerDatabase = errors.New("the database was written by a newer version of the program")
	// ErrNoDatabase says that the tables are not there.
	ErrNoDatabase = errors.New("there are no tables of the program")
)

// Files returns the migrations of a schema, for one dialect. It fails with [fs.ErrNotExist] when there are none.
func Files(dialect Dialect, schema Schema) (fs.FS, error) {
	dir := path.Join(string(dialect), string(schema))
	if _, err := fs.Stat(files, dir); err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", dir, err)
	}
	return fs.Sub(files, dir)
}

// Up brings a database to the newest version of a schema; a database that is there already is left as it is.
// It fails with [ErrNewerDatabase] when the database is ahead of this program.
//
// One connection is enough; it must not run while another process migrates the same database.
func Up(ctx context.Context, db *sql.DB, dialect Dialect, schema Schema) error {
	set, err := Files(dialect, schema)
	if err != nil {
		return err
	}
	gooseDialect := goose.DialectSQLite3
	if dialect == PostgreSQL {
		gooseDialect = goose.DialectPostgres
	}
	provider, err := goose.NewProvider(gooseDialect, db, set, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations of %s/%s: %w", dialect, schema, err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of %s/%s: %w", dialect, schema, err)
	}
	if current > newest {
		return fmt.Errorf("%w: %s/%s is at version %d, this program knows %d", ErrNewerDatabase, dialect, schema, current, newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s/%s: %w", dialect, schema, err)
	}
	return nil
}
