package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"modernc.org/sqlite" // also the driver named "sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

type sqliteOptions struct{ logger *slog.Logger }

// SQLiteOption changes a default of [OpenSQLite].
type SQLiteOption func(*sqliteOptions)

// Logger receives what goes wrong in the background; nothing is logged by default.
func Logger(l *slog.Logger) SQLiteOption { return func(o *sqliteOptions) { o.logger = l } }

// OpenSQLite opens the read models in a SQLite file, making it when it is missing, and brings their control table up to date.
//
// The file can be rebuilt from the ledger at any time, so commits are not flushed one by one (synchronous NORMAL): after a
// power loss the last transactions may be missing, rows and checkpoint alike, and are projected again. The write-ahead log is
// kept small as [sqlitefile.Log] does.
func OpenSQLite(ctx context.Context, path string, options ...SQLiteOption) (*DB, error) {
	o := sqliteOptions{logger: slog.New(slog.DiscardHandler)}
	for _, set := range options {
		set(&o)
	}
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("open the read models: %w", err)
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, "immediate",
		"journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(-65536)", "wal_autocheckpoint(8192)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, fmt.Errorf("open the read models: %w", err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	if err := migrations.Up(ctx, write, migrations.SQLite, migrations.Readmodels); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := openReading(path, max(4, runtime.GOMAXPROCS(0)*2))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	snapshots, err := openReading(path, MaxSnapshots)
	if err != nil {
		return nil, errors.Join(err, read.Close(), write.Close())
	}
	snapshots.SetConnMaxIdleTime(idleTime)
	log, err := sqlitefile.WatchLog(sqlitefile.LogConfig{Path: path, Logger: o.logger, Alone: withAllOf(write)})
	if err != nil {
		return nil, errors.Join(err, snapshots.Close(), read.Close(), write.Close())
	}
	return newDB(pools{write: write, read: read, primary: read, snapshots: snapshots},
		&sqliteEngine{write: write, read: read, log: log, preparedStatements: preparedStatements{form: unnumbered}}, 100*time.Millisecond), nil
}

// withAllOf runs something while it holds the one connection of a pool.
func withAllOf(pool *sql.DB) func(context.Context, func() error) error {
	return func(ctx context.Context, do func() error) error {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return err
		}
		return errors.Join(do(), conn.Close())
	}
}

// openReading returns a pool of connections that refuse to write.
func openReading(path string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", sqliteDSN(path, "deferred", "query_only(1)", "cache_size(-16384)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, fmt.Errorf("open the read models: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// sqliteEngine is one file with a single writer.
type sqliteEngine struct {
	write, read *sql.DB
	log         *sqlitefile.Log
	preparedStatements
}

func (e *sqliteEngine) close() error { return errors.Join(e.log.Close(), e.preparedStatements.close()) }

func (*sqliteEngine) name() string { return "sqlite" }

// A transaction that reads sees one moment anyway.
func (*sqliteEngine) isolation() sql.IsolationLevel { return sql.LevelDefault }

func (*sqliteEngine) withoutTimeouts(context.Context, *sql.Tx) error { return nil }

// A transaction that writes is alone from its beginning.
func (*sqliteEngine) lock(context.Context, *sql.Tx, string) error { return nil }

func (e *sqliteEngine) prepare(ctx context.Context, changes *Changes) (func(context.Context, *sql.Tx) error, error) {
	statements := changes.Statements()
	prepared, err := e.all(ctx, e.write, generationOf{changes.definition.Name, changes.generation}, statements)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		inTx := make(map[string]*sql.Stmt, len(prepared))
		for _, s := range statements {
			stmt := inTx[s.SQL]
			if stmt == nil {
				stmt = tx.StmtContext(ctx, prepared[s.SQL])
				inTx[s.SQL] = stmt
			}
			if err := expectRows(s.Rows, ErrRejected)(stmt.ExecContext(ctx, s.Args...)); err != nil {
				return fmt.Errorf("write rows with %.80q: %w", s.SQL, err)
			}
		}
		return nil
	}, nil
}

func (e *sqliteEngine) lookup(ctx context.Context, of generationOf, query, key string, value *any) error {
	stmt, err := e.preparedStatements.lookup(ctx, e.read, of, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, key).Scan(value)
}

func (*sqliteEngine) isPermanent(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code() & 0xff { // the primary code
	case sqlitelib.SQLITE_ERROR, sqlitelib.SQLITE_CONSTRAINT, sqlitelib.SQLITE_MISMATCH, sqlitelib.SQLITE_TOOBIG, sqlitelib.SQLITE_RANGE:
		return true
	default:
		return false
	}
}

func (*sqliteEngine) unavailable(err error) bool { return sqlitefile.Unavailable(err) }

// The file is opened once, and a busy one is waited for.
func (*sqliteEngine) isRetryable(error) bool { return false }

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// unnumbered is a portable statement with plain question marks. Placeholders are used once each and in order, so it says the
// same; and SQLite would look every numbered one up by name, which for hundreds of rows takes longer than writing them.
func unnumbered(portable string) string { return placeholder.ReplaceAllLiteralString(portable, "?") }

// makeFile makes the file if it is missing. SQLite gives its side files the same mode.
func makeFile(path string) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// sqliteDSN names a file that must exist: one that is removed later is missed rather than made anew, empty.
func sqliteDSN(path, lock string, pragmas ...string) string {
	query := url.Values{"mode": {"rw"}, "_txlock": {lock}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String()
}
