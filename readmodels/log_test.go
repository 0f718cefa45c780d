package readmodels_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels"
)

func TestTheLogIsEmptiedAfterAnotherProcessHasReadForLongThoughNothingMoreIsWritten(t *testing.T) {
	t.Parallel()
	const limit = 64 << 20
	path := filepath.Join(t.TempDir(), "readmodels.db")
	db, err := readmodels.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	at := adopt(t, db, licenses)
	auditor, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, auditor.Close()) })
	reading, err := auditor.Begin()
	require.NoError(t, err)
	var rows int
	require.NoError(t, reading.QueryRow(`SELECT count(*) FROM licenses`).Scan(&rows))
	long := strings.Repeat("x", 1<<20)
	for n := 1; n <= 80; n++ {
		at = apply(t, db, licenses, at, func(c *readmodels.Changes) {
			require.NoError(t, c.Insert("licenses", row(n, readmodels.Values{"customer_name": long})))
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
	_, err = db.License(t.Context(), tenant, id(80))
	require.NoError(t, err)
}
