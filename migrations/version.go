package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Version tells, without changing anything, which version of a schema a database is at, 0 when there is none yet, and which
// version this program brings it to.
func Version(ctx context.Context, db *sql.DB, dialect Dialect, schema Schema) (current, newest int64, err error) {
	if newest, err = Newest(dialect, schema); err != nil {
		return 0, 0, err
	}
	there := `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'goose_db_version')`
	if dialect == PostgreSQL {
		there = `SELECT to_regclass('goose_db_version') IS NOT NULL`
	}
	var exists bool
	if err := db.QueryRowContext(ctx, there).Scan(&exists); err != nil {
		return 0, newest, fmt.Errorf("read the version of %s/%s: %w", dialect, schema, err)
	}
	if !exists {
		return 0, newest, nil
	}
	if err := db.QueryRowContext(ctx,
		`SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&current); err != nil {
		return 0, newest, fmt.Errorf("read the version of %s/%s: %w", dialect, schema, err)
	}
	return current, newest, nil
}

// RequireReadable returns the version of a database that is to be read as it is, also when it was not upgraded yet. It fails with
// [ErrNoDatabase] when there are no tables, and with [ErrNewerDatabase] for those of a later program.
func RequireReadable(ctx context.Context, db *sql.DB, dialect Dialect, schema Schema) (int64, error) {
	current, newest, err := Version(ctx, db, dialect, schema)
	switch {
	case err != nil:
		return 0, err
	case current == 0:
		return 0, fmt.Errorf("%w: %s/%s", ErrNoDatabase, dialect, schema)
	case current > newest:
		return current, fmt.Errorf("%w: %s/%s is at version %d, this program knows %d", ErrNewerDatabase, dialect, schema, current, newest)
	}
	return current, nil
}

// Newest is the version of a schema that this program brings databases to.
func Newest(dialect Dialect, schema Schema) (newest int64, err error) {
	set, err := Files(dialect, schema)
	if err != nil {
		return 0, err
	}
	names, err := fs.Glob(set, "*.sql")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the migrations of %s/%s: %w", dialect, schema, err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}
