package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
)

func TestTheLogIsEmptiedAfterAnotherProcessHasReadForLongThoughNothingMoreIsWritten(t *testing.T) {
	t.Parallel()
	const limit = 64 << 20
	path := filepath.Join(t.TempDir(), "readmodels.db")
	db, err := store.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	at := storetest.Adopt(t, db, licenses.Definition)
	auditor, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, auditor.Close()) })
	reading, err := auditor.Begin()
	require.NoError(t, err)
	var rows int
	require.NoError(t, reading.QueryRow(`SELECT count(*) FROM licenses`).Scan(&rows))
	long := strings.Repeat("x", 1<<20)
	for n := 1; n <= 80; n++ {
		at = storetest.Apply(t, db, licenses.Definition, at, func(c *store.Changes) {
			require.NoError(t, c.Insert("licenses", storetest.LicenseRow(n, store.Values{"customer_name": long})))
		})
	}
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	require.Greater(t, size(), int64(limit))
	require.NoError(t, reading.Rollback())
	require.Eventually(t, func() bool { return size() < limit }, 20*time.Second, 10*time.Millisecond)
	_, err = licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(80))
	require.NoError(t, err)
}
