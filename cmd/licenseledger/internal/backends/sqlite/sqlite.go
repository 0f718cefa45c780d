// Package sqlite is the row of SQLite in the table of engines.
package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"net/url"
	"path/filepath"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Engine is SQLite.
var Engine = &engine.Engine{
	Name:     "sqlite",
	Schemes:  []string{"sqlite"},
	Example:  "sqlite:PATH",
	Embedded: true,

	OpenEvents: func(ctx context.Context, at engine.Endpoint, dataDir string, logger *slog.Logger) (eventstore.Store, error) {
		return sqlite.Open(ctx, at.File(dataDir), sqlite.Logger(logger))
	},
	OpenReadModels: func(ctx context.Context, at, _ engine.Endpoint, dataDir string, logger *slog.Logger) (*store.DB, error) {
		return store.OpenSQLite(ctx, at.File(dataDir), store.Logger(logger))
	},
	OpenKeys: func(ctx context.Context, at engine.Endpoint, dataDir string, logger *slog.Logger) (*keyring.Database, error) {
		return keyring.OpenSQLite(ctx, at.File(dataDir), keyring.Logger(logger))
	},
	OpenLedger: func(ctx context.Context, at engine.Endpoint, dataDir string) (engine.Ledger, error) {
		return sqlite.OpenLedger(ctx, at.File(dataDir))
	},
	OpenTables: openTables,
	Dialect:    migrations.SQLite,

	BackupLedger: func(ctx context.Context, at engine.Endpoint, dataDir, file string) error {
		return sqlite.Backup(ctx, at.File(dataDir), file)
	},
	BackupKeys: func(ctx context.Context, at engine.Endpoint, dataDir, file string) error {
		return keyring.BackupSQLite(ctx, at.File(dataDir), file)
	},
	TablesHint: "restore the file from a backup; read models may also be removed: they are derived again",
}

func openTables(at engine.Endpoint, dataDir string) (*sql.DB, error) {
	options := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(engine.Absolute(at.File(dataDir))), RawQuery: options.Encode()}
	return sql.Open("sqlite", file.String())
}
