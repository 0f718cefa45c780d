package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// UpPostgreSQL makes the PostgreSQL schema that db's search_path names, if it is missing, and brings it to the newest version of
// a set of tables. Of several processes that do so at once one does the work and the others wait, as long as ctx.
//
// It needs two connections, and that neither a lock timeout nor a statement timeout is set on them.
func UpPostgreSQL(ctx context.Context, db *sql.DB, name string, schema Schema) (err error) {
	lock, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := lock.ExecContext(ctx, `SELECT pg_advisory_lock(hashtextextended($1, 0))`, "migrations of "+name); err != nil {
		return fmt.Errorf("wait for other processes that migrate: %w", err)
	}
	defer func() {
		// Without ctx: a connection that goes back with the lock would keep everybody else out.
		_, unlocked := lock.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock_all()`)
		err = errors.Join(err, unlocked)
	}()
	// CREATE SCHEMA IF NOT EXISTS asks for the right to create one even when it is there.
	var create sql.NullString
	if err := lock.QueryRowContext(ctx,
		`SELECT format('CREATE SCHEMA %I', $1::text) WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`,
		name).Scan(&create); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look for the schema %s: %w", name, err)
	}
	if create.Valid {
		if _, err := lock.ExecContext(ctx, create.String); err != nil {
			return fmt.Errorf("make the schema %s: %w", name, err)
		}
	}
	return Up(ctx, db, PostgreSQL, schema)
}
