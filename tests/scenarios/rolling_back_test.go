package scenarios_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

const (
	laterTables      = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"
	tablesAsTheyWere = "DELETE FROM goose_db_version WHERE version_id = 99999"
)

// refusesLaterTables checks that every command line which opens the tables ends with words, and says what to do.
func refusesLaterTables(t *testing.T, o process.Options, commands ...string) {
	t.Helper()
	for _, command := range commands {
		ran := run(t, o, strings.Fields(command)...)
		require.NotZero(t, ran.Code, command)
		for _, text := range []string{"newer version of the program", "99999", "restore the backup made before the upgrade",
			"docs/upgrading.md"} {
			require.Contains(t, ran.Out+ran.Err, text, command)
		}
	}
	healthy, found := diagnosed(t, o)
	require.False(t, healthy)
	require.Contains(t, found, "eventstore: tables")
}

func TestFilesThatALaterVersionUpgradedAreRefusedUntouched(t *testing.T) {
	t.Parallel()
	for file, commands := range map[string][]string{
		"ledger.db":     {"serve --listen 127.0.0.1:0", "fsck", "ledger verify", "projections list"},
		"keys.db":       {"serve --listen 127.0.0.1:0", "fsck", "projections list"},
		"readmodels.db": {"serve --listen 127.0.0.1:0", "fsck", "projections list"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			server := stoppedServer(t)
			tamper(t, server, file, laterTables)
			before := listed(t, server.Options.DataDir)
			refusesLaterTables(t, server.Options, commands...)
			require.Equal(t, before, listed(t, server.Options.DataDir))
			tamper(t, server, file, tablesAsTheyWere)
			ran := server.Command(t, "fsck")
			require.Zero(t, ran.Code, ran.Out+ran.Err)
		})
	}
}

func TestReadModelsOfALaterVersionMayBeRemovedInsteadOfRestored(t *testing.T) {
	t.Parallel()
	server := stoppedServer(t)
	tamper(t, server, "readmodels.db", laterTables)
	require.NoError(t, os.Remove(filepath.Join(server.Options.DataDir, "readmodels.db")))
	server.Restart(t)
	stopSound(t, server)
}

func TestSchemasThatALaterVersionUpgradedAreRefusedUntouched(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	server := newServer(t, func(o *process.Options) {
		o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database, "LICENSELEDGER_READMODELS=" + database}
	})
	v := newTenantClientOn(t, server, nil, nil)
	v.license(v.issue(nil))
	stopSound(t, server)
	conn, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(t.Context())) })
	rows, err := conn.Query(t.Context(), `SELECT schemaname FROM pg_tables WHERE tablename = 'goose_db_version'`)
	require.NoError(t, err)
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Len(t, schemas, 3)
	for _, schema := range schemas {
		_, err := conn.Exec(t.Context(), strings.ReplaceAll(strings.Replace(laterTables, "goose", schema+".goose", 1), ", 1)", ", true)"))
		require.NoError(t, err)
		refusesLaterTables(t, server.Options, "serve --listen 127.0.0.1:0", "fsck")
		_, err = conn.Exec(t.Context(), strings.Replace(tablesAsTheyWere, "goose", schema+".goose", 1))
		require.NoError(t, err)
		ran := server.Command(t, "fsck")
		require.Zero(t, ran.Code, ran.Out+ran.Err)
	}
}
