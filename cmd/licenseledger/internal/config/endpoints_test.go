package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends/eventstoredb"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends/postgres"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends/sqlite"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// onPostgres configures PostgreSQL for everything.
func onPostgres(more ...string) []string {
	return append([]string{"LICENSELEDGER_EVENTSTORE=postgres://db/ledger", "LICENSELEDGER_READMODELS=postgres://db/ledger"}, more...)
}

func TestSeveralLedgersShareAServerBySettings(t *testing.T) {
	t.Parallel()
	file := "eventstore: postgres://db/ledger\nreadmodels: postgres://db/ledger\neventstore_schema: eu_ledger\n" +
		"readmodels_schema: eu readmodels\nkeys_schema: eu_keys\neventstore_connections: 5\nreadmodels_connections: 30\nkeys_connections: 2\n"
	c, err := configured(t, file, nil)
	require.NoError(t, err)
	require.Equal(t, engine.Endpoint{Engine: postgres.Engine, Text: "postgres://db/ledger", Namespace: "eu_ledger", Connections: 5},
		c.EventStore)
	require.Equal(t, engine.Endpoint{Engine: postgres.Engine, Text: "postgres://db/ledger", Namespace: "eu readmodels", Connections: 30},
		c.ReadModels)
	require.Equal(t, engine.Endpoint{Engine: postgres.Engine, Text: "postgres://db/ledger", Namespace: "eu_keys", Connections: 2}, c.Keys)
	require.Equal(t, "postgres://db/ledger (schema eu_ledger)", c.EventStore.String())
	require.Equal(t, "eu_ledger", c.EventStore.OwnNamespace())

	c, err = configured(t, "", []string{"LICENSELEDGER_EVENTSTORE=esdb://db", "LICENSELEDGER_EVENTSTORE_STREAM_PREFIX=eu-"})
	require.NoError(t, err)
	require.Equal(t, engine.Endpoint{Engine: eventstoredb.Engine, Text: "esdb://db", Namespace: "eu-"}, c.EventStore)
	require.Equal(t, "eu-", c.EventStore.OwnNamespace())
	require.Equal(t, engine.Endpoint{Engine: sqlite.Engine, Text: "sqlite:keys.db"}, c.Keys)
}

func TestWithoutThemALedgerIsWhereItAlwaysWas(t *testing.T) {
	t.Parallel()
	c, err := configured(t, "", onPostgres())
	require.NoError(t, err)
	require.Equal(t, engine.Endpoint{Engine: postgres.Engine, Text: "postgres://db/ledger", Namespace: "licenseledger_ledger",
		Connections: 16}, c.EventStore)
	require.Equal(t, engine.Endpoint{Engine: postgres.Engine, Text: "postgres://db/ledger", Namespace: "licenseledger_readmodels",
		Connections: 20}, c.ReadModels)
	require.Equal(t, engine.Endpoint{Engine: postgres.Engine, Text: "postgres://db/ledger", Namespace: "licenseledger_keys",
		Connections: 4}, c.Keys)
	require.Equal(t, "postgres://db/ledger", c.EventStore.String())
	require.Empty(t, c.EventStore.OwnNamespace())
	c, err = configured(t, "", []string{"LICENSELEDGER_EVENTSTORE_SCHEMA=licenseledger_ledger", "LICENSELEDGER_EVENTSTORE_CONNECTIONS=16"})
	require.NoError(t, err, "a default asks for nothing, in SQLite as elsewhere")
	require.Equal(t, engine.Endpoint{Engine: sqlite.Engine, Text: "sqlite:ledger.db"}, c.EventStore)
}

func TestSettingsOfASharedServerAreRefusedByName(t *testing.T) {
	t.Parallel()
	const schema, prefix = "LICENSELEDGER_EVENTSTORE_SCHEMA=", "LICENSELEDGER_EVENTSTORE_STREAM_PREFIX="
	esdb := []string{"LICENSELEDGER_EVENTSTORE=esdb://db"}
	for _, c := range []struct {
		environ []string
		told    string
	}{
		// Where they have no meaning.
		{[]string{schema + "eu"}, "eventstore_schema is for postgres://…, but eventstore is sqlite:ledger.db"},
		{append(esdb[:1:1], schema+"eu"), "eventstore_schema is for postgres"},
		{append(esdb[:1:1], "LICENSELEDGER_EVENTSTORE_CONNECTIONS=7"), "eventstore_connections is for postgres"},
		{[]string{prefix + "eu-"}, "eventstore_stream_prefix is for esdb://…, but eventstore is sqlite:ledger.db"},
		{onPostgres(prefix + "eu-"), "eventstore_stream_prefix is for esdb"},
		{[]string{"LICENSELEDGER_READMODELS_SCHEMA=eu"}, "readmodels_schema is for postgres"},
		{[]string{"LICENSELEDGER_READMODELS_CONNECTIONS=30"}, "readmodels_connections is for postgres"},
		{[]string{"LICENSELEDGER_KEYS_SCHEMA=eu"}, "keys_schema is for postgres://…, but readmodels is sqlite:readmodels.db"},
		{[]string{"LICENSELEDGER_KEYS_CONNECTIONS=3"}, "keys_connections is for postgres"},
		// What PostgreSQL does not take.
		{onPostgres(schema), "eventstore_schema must be 1 to 63 bytes"},
		{onPostgres(schema + strings.Repeat("x", 64)), "eventstore_schema must be 1 to 63 bytes"},
		{onPostgres(schema + strings.Repeat("é", 32)), "eventstore_schema must be 1 to 63 bytes"},
		{onPostgres(schema + "a\nb"), "eventstore_schema must be"},
		{onPostgres(schema + "\xff"), "eventstore_schema must be"},
		{onPostgres(schema + "pg_ledger"), "eventstore_schema must not be"},
		{onPostgres(schema + "$user"), "eventstore_schema must not be"},
		{onPostgres("LICENSELEDGER_READMODELS_SCHEMA=pg_toast"), "readmodels_schema must not be"},
		{onPostgres("LICENSELEDGER_KEYS_SCHEMA=information_schema"), "keys_schema must not be"},
		// One schema for two parts.
		{onPostgres(schema + "licenseledger_keys"), "licenseledger_keys is named more than once"},
		{onPostgres("LICENSELEDGER_READMODELS_SCHEMA=eu", "LICENSELEDGER_KEYS_SCHEMA=eu"), "eu is named more than once"},
		// What EventStoreDB does not take.
		{append(esdb[:1:1], prefix+"$eu"), "eventstore_stream_prefix must not begin with $"},
		{append(esdb[:1:1], prefix+"e u"), "eventstore_stream_prefix must be"},
		{append(esdb[:1:1], prefix+strings.Repeat("x", 101)), "eventstore_stream_prefix must be"},
		// Numbers out of bounds.
		{onPostgres("LICENSELEDGER_EVENTSTORE_CONNECTIONS=2"), "eventstore_connections must be a whole number from 5 to 1000"},
		{onPostgres("LICENSELEDGER_READMODELS_CONNECTIONS=1"), "readmodels_connections must be a whole number from"},
		{onPostgres("LICENSELEDGER_KEYS_CONNECTIONS=1"), "keys_connections must be a whole number from 2 to 1000"},
		{onPostgres("LICENSELEDGER_KEYS_CONNECTIONS=1001"), "keys_connections must be"},
		{onPostgres("LICENSELEDGER_EVENTSTORE_CONNECTIONS=many"), "eventstore_connections must be"},
	} {
		_, err := configured(t, "", c.environ)
		require.ErrorContains(t, err, c.told)
		require.NotEmpty(t, hint.Of(err))
	}
}
