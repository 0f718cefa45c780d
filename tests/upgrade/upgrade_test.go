package upgrade_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/upgrade"
)

// versions are the versions whose ledgers are kept: a folder of testdata each. A later version adds a folder and a row.
var versions = []string{
	"74a7f9d", // the last one before 1.0
}

var shared engines.Fixture

func TestMain(m *testing.M) {
	os.Exit(shared.Run(m, func() (*engines.Engines, error) { return engines.Start(engines.PostgreSQL, engines.PostgreSQL) }))
}

func TestLedgersOfEarlierVersionsAreServedAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		for _, engine := range []string{engines.SQLite, engines.PostgreSQL} {
			t.Run(version+"/"+engine, func(t *testing.T) {
				t.Parallel()
				opened(t, filepath.Join("testdata", version, engine), engine)
			})
		}
	}
}

// opened opens a copy of a fixture twice, so that what the first start wrote is opened as well.
func opened(t *testing.T, fixture, engine string) {
	t.Helper()
	answers, err := upgrade.ReadAnswers(fixture)
	require.NoError(t, err)
	// The ledger's last event is older than a day, as after a long stop. The clock need not prove itself for ten minutes here.
	options := process.Options{
		Binary: shared.Binary, DataDir: filepath.Join(t.TempDir(), "data"), Env: []string{"LICENSELEDGER_CLOCK_SETTLE=1s"},
	}
	place := &engines.Engines{Events: engines.SQLite, ReadModels: engines.SQLite}
	if engine == engines.PostgreSQL {
		place = shared.Engines
	}
	require.NoError(t, upgrade.Open(t.Context(), fixture, place, &options))
	for range 2 {
		serving(t, options, func(client *upgrade.Client) {
			require.NoError(t, client.Settle(t.Context(), answers.Opened))
			same(t, answers, client)
		})
		clean(t, options)
	}
	serving(t, options, func(client *upgrade.Client) { goesOn(t, client) })
	clean(t, options)
}

func serving(t *testing.T, options process.Options, do func(*upgrade.Client)) {
	t.Helper()
	server, err := process.Start(options)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	client, err := upgrade.Connect(server, options.DataDir)
	require.NoError(t, err)
	do(client)
	require.NoError(t, server.Stop())
}

// same asks and repeats everything. Nothing of it may change the ledger.
func same(t *testing.T, answers upgrade.Answers, client *upgrade.Client) {
	t.Helper()
	var differences []string
	for _, exchanges := range [][]upgrade.Exchange{answers.Queries, answers.Commands} {
		require.NotEmpty(t, exchanges)
		for _, e := range exchanges {
			is, err := client.Send(t.Context(), e)
			require.NoError(t, err)
			for _, difference := range answers.Differences(e.Answer, is) {
				differences = append(differences, e.Name+": "+difference)
			}
		}
	}
	require.Empty(t, differences)
	head, err := client.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, answers.Opened, head)
}

// goesOn carries out a new command on what was there.
func goesOn(t *testing.T, client *upgrade.Client) {
	t.Helper()
	answer, err := client.Send(t.Context(), upgrade.Exchange{Method: http.MethodPost, Path: "/v1/licenses", Admin: true,
		Body: []byte(`{"product": "cad", "plan": "perpetual", "customer": {"name": "New", "email": "new@example.com"}}`)})
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, answer.Status, "%s", answer.Body)
}

func clean(t *testing.T, options process.Options) {
	t.Helper()
	checked, err := options.Command(t.Context(), "fsck")
	require.NoError(t, err)
	require.Zero(t, checked.Code, "%s%s", checked.Out, checked.Err)
}
