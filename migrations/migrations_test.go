package migrations_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/licenseledger/licenseledger/migrations"
)

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "a.db"))
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestADatabaseIsMigratedOnceAndThenLeftAsItIs(t *testing.T) {
	t.Parallel()
	db := open(t)
	for range 2 {
		require.NoError(t, migrations.Up(t.Context(), db, migrations.SQLite, migrations.Ledger))
	}
	var rows, applied int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM events`).Scan(&rows))
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM goose_db_version WHERE version_id = 1`).Scan(&applied))
	require.Zero(t, rows)
	require.Equal(t, 1, applied)
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	db := open(t)
	require.NoError(t, migrations.Up(t.Context(), db, migrations.SQLite, migrations.Ledger))
	_, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	require.NoError(t, err)

	require.ErrorIs(t, migrations.Up(t.Context(), db, migrations.SQLite, migrations.Ledger), migrations.ErrNewerDatabase)
}

func TestASchemaWithoutMigrationsIsAnError(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, migrations.Up(t.Context(), open(t), migrations.SQLite, "nonsense"), fs.ErrNotExist)
}

func TestTheVersionOfADatabaseIsToldWithoutChangingIt(t *testing.T) {
	t.Parallel()
	db := open(t)
	current, newest, err := migrations.Version(t.Context(), db, migrations.SQLite, migrations.Readmodels)
	require.NoError(t, err)
	require.Zero(t, current)
	require.Positive(t, newest)
	_, err = migrations.RequireReadable(t.Context(), db, migrations.SQLite, migrations.Readmodels)
	require.ErrorIs(t, err, migrations.ErrNoDatabase)
	var tables int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_master`).Scan(&tables))
	require.Zero(t, tables)

	require.NoError(t, migrations.Up(t.Context(), db, migrations.SQLite, migrations.Readmodels))
	readable, err := migrations.RequireReadable(t.Context(), db, migrations.SQLite, migrations.Readmodels)
	require.NoError(t, err)
	require.Equal(t, newest, readable)
	current, _, err = migrations.Version(t.Context(), db, migrations.SQLite, migrations.Readmodels)
	require.NoError(t, err)
	require.Equal(t, newest, current)

	_, err = db.Exec(`DELETE FROM goose_db_version WHERE version_id = ?`, newest)
	require.NoError(t, err)
	readable, err = migrations.RequireReadable(t.Context(), db, migrations.SQLite, migrations.Readmodels)
	require.NoError(t, err, "tables that were not upgraded yet are read as they are")
	require.Equal(t, newest-1, readable)
	_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	require.NoError(t, err)
	_, err = migrations.RequireReadable(t.Context(), db, migrations.SQLite, migrations.Readmodels)
	require.ErrorIs(t, err, migrations.ErrNewerDatabase)
}
