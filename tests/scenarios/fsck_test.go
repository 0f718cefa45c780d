package scenarios_test

import (
	"database/sql"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to tamper with what the program keeps

	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// stoppedServer has a licence with a past and does not run any more.
func stoppedServer(t *testing.T) *blackbox.Server {
	t.Helper()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.customers("Ada Byron", "Grace Hopper")
	v.activate(sold["Ada Byron"].Key, built("laptop", nil))
	v.changed(sold["Ada Byron"], "suspend", map[string]any{"reason": "payment overdue"})
	v.changed(sold["Grace Hopper"], "revoke", nil)
	caughtUp(t, v.admin)
	server.MustStop(t)
	return server
}

// tamper changes a database behind the program's back.
func tamper(t *testing.T, server *blackbox.Server, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(server.Options.DataDir, file))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		done, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
		if strings.HasPrefix(statement, "UPDATE") || strings.HasPrefix(statement, "DELETE") || strings.HasPrefix(statement, "INSERT") {
			rows, err := done.RowsAffected()
			require.NoError(t, err)
			require.Positive(t, rows, statement)
		}
	}
}

// tableOf finds the table that holds a projection's rows now.
func tableOf(t *testing.T, server *blackbox.Server, name string) string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(server.Options.DataDir, "readmodels.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var view string
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT sql FROM sqlite_master WHERE name = ? AND type = 'view'", name).Scan(&view))
	found := regexp.MustCompile(`(?i)FROM\s+"?(\w+)"?`).FindStringSubmatch(view)
	require.NotNil(t, found, view)
	return found[1]
}

func TestACleanLedgerPassesTheCheck(t *testing.T) {
	t.Parallel()
	server := stoppedServer(t)
	ran := server.Command(t, "fsck")
	require.Zero(t, ran.Code, ran.Out+ran.Err)
	require.Contains(t, ran.Out, "clean")
	require.Contains(t, ran.Out, "8 events in 4 streams")
	for _, name := range allProjections {
		require.Regexp(t, regexp.MustCompile(`(?m)^`+name+`\s+8\s+[0-9a-f]{64}\s+same$`), ran.Out)
	}
	asJSON := server.Command(t, "fsck", "--json")
	require.Zero(t, asJSON.Code)
	require.Contains(t, asJSON.Out, `"clean": true`)
}

func TestATamperedReadModelIsFoundAndARebuildRepairsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ table, change, message string }{
		"a changed row": {"licenses", "UPDATE %s SET customer_name = 'Mallory' WHERE customer_name = 'Ada Byron'", "customer_name"},
		"a missing row": {"timeline", "DELETE FROM %s WHERE type = 'license.suspended.v1'", "timeline"},
		"another seat":  {"licenses", "UPDATE %s SET seats_used = seats_used + 1 WHERE seats_used = 1", "seats_used"},
		"a lost plan":   {"plans", "DELETE FROM %s", "plans"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := stoppedServer(t)
			tamper(t, server, "readmodels.db", strings.ReplaceAll(c.change, "%s", tableOf(t, server, c.table)))
			ran := server.Command(t, "fsck")
			require.Equal(t, 1, ran.Code, ran.Out)
			require.Contains(t, ran.Out, "NOT CLEAN")
			require.Regexp(t, regexp.MustCompile(`(?m)DIFFERENT: .*`+c.message), ran.Out)
			require.Equal(t, ran.Out, server.Command(t, "fsck").Out, "checking changes nothing")
			for _, projection := range allProjections {
				require.Zero(t, server.Command(t, "projections", "rebuild", projection).Code)
			}
			require.Zero(t, server.Command(t, "fsck").Code)
		})
	}
}

func TestATamperedLedgerIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message string
		change  []string
	}{
		"an event that says something else": {
			"reason", []string{"UPDATE events SET data = CAST(replace(CAST(data AS TEXT), 'payment overdue', 'because we can!') AS BLOB) " +
				"WHERE type = 'license.suspended.v1'"},
		},
		"an event that is gone": {"position", []string{"DELETE FROM events WHERE type = 'license.suspended.v1'"}},
		"an event that cannot be read": {"license.revoked.v1", []string{"UPDATE events SET data = CAST('{' AS BLOB) WHERE type = " +
			"'license.revoked.v1'"}},
		"an event of a type nobody knows": {"license.gifted.v1", []string{"UPDATE events SET type = 'license.gifted.v1' WHERE type = " +
			"'license.revoked.v1'"}},
		"a revision that was skipped": {"revision", []string{"UPDATE events SET revision = revision + 1 WHERE type = 'license.revoked.v1'"}},
		"an end that is cut off":      {"", []string{"DELETE FROM events WHERE position = (SELECT MAX(position) FROM events)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := stoppedServer(t)
			tamper(t, server, "ledger.db", append([]string{
				"DROP TRIGGER events_are_never_changed", "DROP TRIGGER events_are_never_removed",
			}, c.change...)...)
			ran := server.Command(t, "fsck")
			require.Equal(t, 1, ran.Code, ran.Out+ran.Err)
			require.Contains(t, ran.Out, "NOT CLEAN")
			require.Contains(t, ran.Out, c.message)
		})
	}
}

func TestTheLedgerItselfRefusesToBeChanged(t *testing.T) {
	t.Parallel()
	server := stoppedServer(t)
	db, err := sql.Open("sqlite", filepath.Join(server.Options.DataDir, "ledger.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, statement := range []string{"UPDATE events SET actor = 'somebody else'", "DELETE FROM events", "UPDATE streams SET name = 'x'",
		"DELETE FROM streams"} {
		_, err := db.ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "append-only", statement)
	}
}
