package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// openTables opens a database as it is, to look into it.
func openTables(at location, dataDir string) (*sql.DB, error) {
	if at.engine == enginePostgreSQL {
		config, err := pgconnect.Parse(at.text, at.schema, nil, nil)
		if err != nil {
			return nil, err
		}
		config.ConnConfig.ValidateConnect = nil // what is wrong with the server is told where it is examined
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
		return stdlib.OpenDB(*config.ConnConfig), nil
	}
	options := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(absolute(at.file(dataDir))), RawQuery: options.Encode()}
	return sql.Open("sqlite", file.String())
}

// examineTables compares the version of tables with the program's, and reports whether there are any that can be looked into.
func (d *diagnosis) examineTables(ctx context.Context, check string, at location, dataDir string, schema migrations.Schema) bool {
	dialect := migrations.SQLite
	if at.engine == enginePostgreSQL {
		dialect = migrations.PostgreSQL
	} else if _, err := os.Stat(at.file(dataDir)); errors.Is(err, os.ErrNotExist) {
		d.ok(check, "none yet; the first start makes them")
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	current, newest, err := versionOf(ctx, at, dataDir, dialect, schema)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.fail(check, "this program cannot keep them in "+string(at.engine), "choose another location")
	case err != nil && dialect == migrations.PostgreSQL:
		d.fail(check, err.Error(), "give the user the right to read them")
	case err != nil:
		d.fail(check, err.Error(), "bring the file back from a backup; read models may also be removed, and are derived again")
	case current == 0:
		d.ok(check, "none yet; the first start makes them")
	case current > newest:
		d.fail(check, fmt.Sprintf("version %d, which a newer version of the program made; this one knows %d", current, newest), adviceOnNewer)
	case current < newest:
		d.warn(check, fmt.Sprintf("version %d", current), fmt.Sprintf("back up: the next start upgrades them to %d, and there is no way back", newest))
		return true
	default:
		d.ok(check, fmt.Sprintf("version %d", current))
		return true
	}
	return false
}

func versionOf(ctx context.Context, at location, dataDir string, dialect migrations.Dialect, schema migrations.Schema) (current, newest int64, err error) {
	db, err := openTables(at, dataDir)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return migrations.Version(ctx, db, dialect, schema)
}
