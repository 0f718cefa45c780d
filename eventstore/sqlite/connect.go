package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the "sqlite" driver
)

// busyTimeoutMillis is how long a connection waits for another process's lock.
const busyTimeoutMillis = 5_000

// openWriting returns a pool of exactly one connection, set up to write durably.
func openWriting(path string) (*sql.DB, error) {
	// SQLite would make the file readable for everyone; its log and index files inherit the mode.
	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := openPool(path, url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeoutMillis),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"wal_autocheckpoint(100000)", // pages, 400 MB: only if the background checkpoint does not keep up
		"cache_size(-65536)",         // KiB
		"temp_store(MEMORY)",
	}})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// openReading returns a pool of connections that refuse to write. The file must exist: one that is removed later is missed rather
// than made anew, empty.
func openReading(path string, connections int) (*sql.DB, error) {
	db, err := openPool(path, url.Values{"mode": {"rw"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeoutMillis),
		"query_only(1)",
	}})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func openPool(path string, query url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// A path may hold characters that mean something in a URI.
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute), RawQuery: query.Encode()}
	return sql.Open("sqlite", uri.String())
}

// requireDurable reads back the settings an acknowledged append depends on: SQLite keeps quiet about a setting it did not take.
func requireDurable(ctx context.Context, conn *sql.Conn) error {
	const full = 2
	var mode string
	if err := conn.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
		return fmt.Errorf("read back journal_mode: %w", err)
	}
	if mode != "wal" {
		return fmt.Errorf("the database is in journal mode %q, not WAL: is it on a file system without shared memory?", mode)
	}
	var synchronous int
	if err := conn.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&synchronous); err != nil {
		return fmt.Errorf("read back synchronous: %w", err)
	}
	if synchronous != full {
		return fmt.Errorf("synchronous is %d, not FULL (%d): appends would not survive power loss", synchronous, full)
	}
	return nil
}
