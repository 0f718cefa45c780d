package eventstoredb_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"
	esdbdouble "github.com/licenseledger/licenseledger/tests/support/services/eventstoredb"
)

func TestAConnectionStringThatIsNotUnderstoodIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	for _, connection := range []string{
		"", "postgres://u:hunter2@localhost", "esdb://u:hunter2@", "esdb://u:hunter2%zz@localhost", "esdb://u:hunter2@localhost:port",
		"esdb://u:hunter2@a:1,b:port", "esdb://u:hunter2@localhost/path", "esdb://u:hunter2@localhost?tls=hunter2",
		"esdb://u:hunter2@localhost?tlsCaFile=/hunter2",
	} {
		_, err := eventstoredb.Open(t.Context(), connection)
		require.Error(t, err, connection)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	double.Down()
	for _, connection := range []string{double.URL(), double.ClusterURL()} {
		_, err := eventstoredb.Open(t.Context(), connection)
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
	}
}

func TestTheNewNameOfTheDatabaseIsUnderstood(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	for _, scheme := range []string{"kurrentdb", "esdb+discover", "kurrentdb+discover"} {
		store := openStore(t, strings.Replace(double.URL(), "esdb", scheme, 1))
		fill(t, store, scheme, 1)
	}
}

func TestTLSAndCredentialsComeFromTheConnectionString(t *testing.T) {
	t.Parallel()
	double, err := esdbdouble.StartSecure("admin", "change?me")
	require.NoError(t, err)
	t.Cleanup(double.Stop)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(authority, double.Certificate(), 0o600))

	connection := func(password, settings string) string {
		u, err := url.Parse(double.URL() + settings)
		require.NoError(t, err)
		u.User = url.UserPassword("admin", password)
		return u.String()
	}
	trusting := "&tlsCaFile=" + url.QueryEscape(authority)
	store := openStore(t, connection("change?me", trusting))
	require.Equal(t, fill(t, store, "license-1", 1), all(t, store))
	openStore(t, connection("change?me", "&tlsVerifyCert=false"))

	for what, refused := range map[string]string{
		"wrong password": connection("guessed", trusting), "unknown certificate": connection("change?me", ""),
	} {
		_, err = eventstoredb.Open(t.Context(), refused)
		require.ErrorIs(t, err, eventstore.ErrUnavailable, what)
		require.NotContains(t, err.Error(), "guessed")
		require.NotContains(t, err.Error(), "change")
	}
}
