package doctor

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
)

// onPostgres configures PostgreSQL for everything.
var onPostgres = []string{"LICENSELEDGER_EVENTSTORE=postgres://db/ledger", "LICENSELEDGER_READMODELS=postgres://db/ledger"}

func TestTheDoctorWarnsOfALedgerThatIsNamedInPart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ   []string
		byDefault string // empty: nothing is wrong
	}{
		{nil, ""},
		{onPostgres, ""},
		{append(slices.Clone(onPostgres), "LICENSELEDGER_EVENTSTORE_SCHEMA=a", "LICENSELEDGER_READMODELS_SCHEMA=b",
			"LICENSELEDGER_KEYS_SCHEMA=c"), ""},
		{[]string{"LICENSELEDGER_EVENTSTORE=postgres://db/ledger", "LICENSELEDGER_EVENTSTORE_SCHEMA=a"}, ""},
		{append(slices.Clone(onPostgres), "LICENSELEDGER_EVENTSTORE_SCHEMA=a"), "the default readmodels_schema, keys_schema"},
		{append(slices.Clone(onPostgres), "LICENSELEDGER_READMODELS_SCHEMA=b", "LICENSELEDGER_KEYS_SCHEMA=c"), "the default eventstore_schema"},
		{[]string{"LICENSELEDGER_EVENTSTORE=esdb://db", "LICENSELEDGER_EVENTSTORE_STREAM_PREFIX=a-",
			"LICENSELEDGER_READMODELS=postgres://db/ledger"}, "the default readmodels_schema, keys_schema"},
		{[]string{"LICENSELEDGER_EVENTSTORE=esdb://db", "LICENSELEDGER_READMODELS=postgres://db/ledger", "LICENSELEDGER_READMODELS_SCHEMA=b",
			"LICENSELEDGER_KEYS_SCHEMA=c"},
			"the default eventstore_stream_prefix"},
	} {
		settings := configured(t, c.environ)
		var d examination
		d.examineNamespaces(settings)
		if c.byDefault == "" {
			require.Empty(t, d.Findings, c.environ)
			continue
		}
		require.Len(t, d.Findings, 1, c.environ)
		require.Equal(t, diagnosis.Warning, d.Findings[0].Result)
		require.Contains(t, d.Findings[0].Found, c.byDefault)
	}
}
