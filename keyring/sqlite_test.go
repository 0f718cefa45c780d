package keyring_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

func TestTheFilesOfTheKeysDatabaseAreForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o666))
	sqlite.open(t, path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), suffix)
	}
}

func TestTheKeysDatabaseMayLieUnderAnyName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "100% keys? #1;&_pragma=synchronous(OFF) ü.db")
	sqlite.open(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NotZero(t, info.Size())
}

func TestEveryConnectionOfTheKeysDatabaseIsDurable(t *testing.T) {
	t.Parallel()
	db := sqlite.open(t, sqlite.place(t))
	for range 4 {
		conn, err := db.Conn(t.Context()) // held, so that the next one is another
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close()) })
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "secure_delete": "1"} {
			var got string
			require.NoError(t, conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
			require.Equal(t, want, got, pragma)
		}
	}
}

func TestWhatIsNotAKeysDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := keyring.OpenSQLite(t.Context(), filepath.Join(dir, "nowhere", "keys.db"))
	require.ErrorIs(t, err, os.ErrNotExist)

	path := filepath.Join(dir, "text.db")
	require.NoError(t, os.WriteFile(path, []byte("this is no database, and long enough to have a header that says so"), 0o600))
	_, err = keyring.OpenSQLite(t.Context(), path)
	require.ErrorContains(t, err, "not a database")

	newer := filepath.Join(dir, "newer.db")
	db := sqlite.open(t, newer)
	_, err = db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	require.NoError(t, err)
	_, err = keyring.OpenSQLite(t.Context(), newer)
	require.ErrorContains(t, err, "newer version")
}
