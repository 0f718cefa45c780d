package readmodels

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"runtime"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/licenseledger/licenseledger/migrations"
)

// OpenSQLite opens the read models in a SQLite file, making it when it is missing, and brings their control table up to date.
//
// The file can be rebuilt from the ledger at any time, so commits are not flushed one by one (synchronous NORMAL): after a
// power loss the last transactions may be missing, rows and checkpoint alike, and are projected again.
func OpenSQLite(ctx context.Context, path string) (*DB, error) {
	write, err := sql.Open("sqlite", sqliteDSN(path, "immediate",
		"journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(-65536)", "wal_autocheckpoint(8192)", "journal_size_limit(67108864)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, fmt.Errorf("open the read models: %w", err)
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	if err := migrations.Up(ctx, write, migrations.SQLite, migrations.Readmodels); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := sql.Open("sqlite", sqliteDSN(path, "deferred", "query_only(1)", "cache_size(-16384)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the read models: %w", err), write.Close())
	}
	readers := max(4, runtime.GOMAXPROCS(0)*2)
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{write: write, read: read, engine: "sqlite", prepared: preparedStatements{form: unnumbered}}, nil
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// unnumbered is a portable statement with plain question marks. Placeholders are used once each and in order, so it says the
// same; and SQLite would look every numbered one up by name, which for hundreds of rows takes longer than writing them.
func unnumbered(portable string) string { return placeholder.ReplaceAllLiteralString(portable, "?") }

func sqliteDSN(path, lock string, pragmas ...string) string {
	query := url.Values{"_txlock": {lock}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query.Encode()}).String()
}
