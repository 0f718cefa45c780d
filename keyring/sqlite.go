package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

// sqliteConnections is how many connections read the keys database at a time.
const sqliteConnections = 4

// sqlitePatience is longer than a connection waits for another's lock.
const sqlitePatience = 40 * time.Second

type sqliteOptions struct{ logger *slog.Logger }

// SQLiteOption changes a default of [OpenSQLite].
type SQLiteOption func(*sqliteOptions)

// Logger receives what goes wrong in the background; nothing is logged by default.
func Logger(l *slog.Logger) SQLiteOption { return func(o *sqliteOptions) { o.logger = l } }

// OpenSQLite opens or makes a keys database in an SQLite file of mode 0600, in WAL mode, with commits durable when they
// return (synchronous=FULL) and deleted content overwritten (secure_delete), and brings it to the newest version.
// One process at a time may use it. The write-ahead log is kept small as [sqlitefile.Log] does.
func OpenSQLite(ctx context.Context, path string, opts ...SQLiteOption) (_ *Database, err error) {
	o := sqliteOptions{logger: slog.New(slog.DiscardHandler)}
	for _, set := range opts {
		set(&o)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open keys database: %w", err)
	}
	if err := chmodPrivate(path); err != nil {
		return nil, fmt.Errorf("open keys database: %w", err)
	}
	options := url.Values{
		"mode":    {"rw"}, // a file that is removed later is missed rather than made anew, empty
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)"},
	}
	location := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", location.String())
	if err != nil {
		return nil, fmt.Errorf("open keys database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db.SetMaxOpenConns(sqliteConnections)
	db.SetMaxIdleConns(sqliteConnections)
	if err := assertDurable(ctx, db); err != nil {
		return nil, fmt.Errorf("open keys database %s: %w", path, err)
	}
	if err := migrations.Up(ctx, db, migrations.SQLite, migrations.Keys); err != nil {
		return nil, fmt.Errorf("open keys database %s: %w", path, err)
	}
	log, err := sqlitefile.WatchLog(sqlitefile.LogConfig{Path: path, Logger: o.logger})
	if err != nil {
		return nil, err
	}
	return &Database{DB: db, engine: sqliteEngine{}, log: log, timeout: sqlitePatience, version: witnessVersion}, nil
}

// BackupSQLite copies the keys in the file at path, as they are at one moment, into a new file at to, while another process may be
// writing to it. Nothing of what was erased before is in the copy.
func BackupSQLite(ctx context.Context, path, to string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("back up the keys: %w", err)
	}
	options := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(10000)"}}
	location := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", location.String())
	if err != nil {
		return fmt.Errorf("back up the keys: %w", err)
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("back up the keys: %w", err)
	}
	return nil
}

type sqliteEngine struct{}

func (sqliteEngine) shared() bool { return false }

// lockRing has nothing to do: transactions begin with the lock for writing (_txlock).
func (sqliteEngine) lockRing(context.Context, *sql.Tx) error { return nil }

// afterErasing writes the write-ahead log back and empties it: until then it holds pages as they were before an erasure.
func (sqliteEngine) afterErasing(ctx context.Context, db *sql.DB) error {
	var busy, logged, written int
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &logged, &written); err != nil {
		return fmt.Errorf("cut the log: %w", err)
	}
	if busy != 0 {
		return errors.New("the key is gone, but a reader keeps its log from being cut; erase again")
	}
	return nil
}

// chmodPrivate makes the file if it is missing and closes it to others. SQLite gives its side files the same mode.
func chmodPrivate(path string) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

// assertDurable reads back what was asked for: a file system or build that ignores a setting must not hold keys.
func assertDurable(ctx context.Context, db *sql.DB) error {
	for setting, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "secure_delete": "1"} {
		var got string
		if err := db.QueryRowContext(ctx, "PRAGMA "+setting).Scan(&got); err != nil {
			return fmt.Errorf("read back %s: %w", setting, err)
		}
		if got != want {
			return fmt.Errorf("%s is %s, not %s", setting, got, want)
		}
	}
	return nil
}
