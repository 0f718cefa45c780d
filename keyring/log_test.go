package keyring_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

func TestTheLogOfTheKeysIsEmptiedAfterAnotherProcessHasReadForLongThoughNothingMoreIsWritten(t *testing.T) {
	t.Parallel()
	const limit = 64 << 20
	path := filepath.Join(t.TempDir(), "keys.db")
	db, err := keyring.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), `CREATE TABLE filling (data BLOB)`)
	require.NoError(t, err)
	auditor, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, auditor.Close()) })
	reading, err := auditor.BeginTx(context.WithoutCancel(t.Context()), nil)
	require.NoError(t, err)
	var rows int
	require.NoError(t, reading.QueryRow(`SELECT count(*) FROM filling`).Scan(&rows))
	for range 80 {
		_, err = db.ExecContext(t.Context(), `INSERT INTO filling VALUES (zeroblob(1000000))`)
		require.NoError(t, err)
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	require.Greater(t, size(), int64(limit))
	require.NoError(t, reading.Rollback())
	require.Eventually(t, func() bool { return size() < limit }, 20*time.Second, 10*time.Millisecond)
}
