package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/sqlitefile"
)

func TestTheDoctorTellsOfALogThatIsTooLarge(t *testing.T) {
	t.Parallel()
	c, err := configured(t, "", nil, "--data-dir", t.TempDir())
	require.NoError(t, err)
	for _, name := range []string{"ledger", "readmodels", "keys"} {
		var before diagnosis
		before.examineLogs(c)
		log := sqlitefile.LogPath(c.in(name + ".db"))
		require.NoError(t, os.WriteFile(log, nil, 0o600))
		require.NoError(t, os.Truncate(log, sqlitefile.LogLimit))
		var after diagnosis
		after.examineLogs(c)
		require.Len(t, after.findings, 3)
		for i, f := range after.findings {
			if f.Check == name+": write-ahead log" {
				require.Equal(t, resultOK, before.findings[i].Result)
				require.Equal(t, resultWarning, f.Result)
				require.Contains(t, f.Advice, filepath.Join(c.DataDir, name+".db"))
			}
		}
		require.True(t, after.healthy())
		require.NoError(t, os.Remove(log))
	}
}

func TestOnlyFilesAreExaminedForLogs(t *testing.T) {
	t.Parallel()
	c, err := configured(t, "", nil, "--eventstore", "postgres://db/ledger", "--readmodels", "postgres://db/ledger")
	require.NoError(t, err)
	require.Empty(t, c.sqliteFiles())
}

func TestTheSizesOfTheLogsAreAmongTheMetrics(t *testing.T) {
	t.Parallel()
	s := started(t, "")
	response, err := http.Get(s.url() + "/metrics")
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	metrics, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	for _, name := range []string{"ledger", "readmodels", "keys"} {
		require.Contains(t, string(metrics), `licenseledger_sqlite_wal_bytes{database="`+name+`"} `)
	}
}
