package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

func TestTheDoctorTellsOfALogThatIsTooLarge(t *testing.T) {
	t.Parallel()
	c := configured(t, nil, "--data-dir", t.TempDir())
	for _, name := range []string{"ledger", "readmodels", "keys"} {
		var before examination
		before.examineLogs(c)
		log := sqlitefile.LogPath(c.In(name + ".db"))
		require.NoError(t, os.WriteFile(log, nil, 0o600))
		require.NoError(t, os.Truncate(log, sqlitefile.LogLimit))
		var after examination
		after.examineLogs(c)
		require.Len(t, after.Findings, 3)
		for i, f := range after.Findings {
			if f.Check == name+": write-ahead log" {
				require.Equal(t, diagnosis.OK, before.Findings[i].Result)
				require.Equal(t, diagnosis.Warning, f.Result)
				require.Contains(t, f.Advice, filepath.Join(c.DataDir, name+".db"))
			}
		}
		require.True(t, after.Healthy())
		require.NoError(t, os.Remove(log))
	}
}

func TestOnlyFilesAreExaminedForLogs(t *testing.T) {
	t.Parallel()
	c := configured(t, nil, "--eventstore", "postgres://db/ledger", "--readmodels", "postgres://db/ledger")
	require.Empty(t, c.Files())
}

// configured loads a configuration from an environment and flags.
func configured(t *testing.T, environ []string, args ...string) config.Config {
	t.Helper()
	flags := config.Flags()
	require.NoError(t, flags.Parse(args))
	c, err := config.Load(flags, environ)
	require.NoError(t, err)
	return c
}
