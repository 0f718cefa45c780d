package sqlitefile_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/sqlitefile"
)

// failed runs a statement on a file, which must fail.
func failed(t *testing.T, path, options, statement string) error {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?"+options)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), statement)
	require.Error(t, err)
	return err
}

// made is the path of a database with a table of some pages.
func made(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	for _, statement := range []string{`CREATE TABLE t (data BLOB)`, `INSERT INTO t VALUES (zeroblob(100000))`} {
		_, err = db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	return path
}

func TestWhatMayPassIsUnavailableAndWhatStaysIsNot(t *testing.T) {
	t.Parallel()
	for name, provoke := range map[string]func(t *testing.T) error{
		"the file was removed": func(t *testing.T) error {
			return failed(t, filepath.Join(t.TempDir(), "missing.db"), "mode=rw", `SELECT 1 FROM t`)
		},
		"the folder is gone": func(t *testing.T) error {
			return failed(t, filepath.Join(t.TempDir(), "no", "folder.db"), "", `CREATE TABLE t (a)`)
		},
		"the disk is read only": func(t *testing.T) error { return failed(t, made(t), "mode=ro", `DELETE FROM t`) },
		"no room": func(t *testing.T) error {
			return failed(t, made(t), "_pragma=max_page_count(30)", `INSERT INTO t VALUES (zeroblob(1000000))`)
		},
		"somebody else writes": func(t *testing.T) error {
			path := made(t)
			other, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			defer func() { require.NoError(t, other.Close()) }()
			conn, err := other.Conn(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = conn.ExecContext(t.Context(), `BEGIN EXCLUSIVE`)
			require.NoError(t, err)
			return failed(t, path, "", `SELECT 1 FROM t`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := provoke(t)
			require.True(t, sqlitefile.Unavailable(err), err)
			require.False(t, sqlitefile.Damaged(err), err)
		})
	}
	damaged := made(t)
	require.NoError(t, os.WriteFile(damaged, []byte(strings.Repeat("no database ", 1000)), 0o600))
	err := failed(t, damaged, "", `SELECT 1 FROM t`)
	require.True(t, sqlitefile.Damaged(err), err)
	require.False(t, sqlitefile.Unavailable(err), err)
	for _, err := range []error{nil, sql.ErrNoRows, errors.New("scan"), failed(t, made(t), "", `SELECT nonsense`),
		failed(t, made(t), "", `INSERT INTO t VALUES (1, 2)`)} {
		require.False(t, sqlitefile.Unavailable(err), "%v", err)
		require.False(t, sqlitefile.Damaged(err), "%v", err)
	}
}
