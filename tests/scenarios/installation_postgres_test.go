package scenarios_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// onPostgres keeps everything of a server in a database of its own, except for the master key.
func onPostgres(t *testing.T, database string) func(*process.Options) {
	t.Helper()
	return func(o *process.Options) {
		o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database, "LICENSELEDGER_READMODELS=" + database}
	}
}

// putBackTo removes the events after a position, as a recovery to an earlier point does.
func putBackTo(t *testing.T, database string, position uint64) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	_, err = conn.Exec(t.Context(), fmt.Sprintf(`
		SET search_path = licenseledger_ledger;
		ALTER TABLE events DISABLE TRIGGER ALL;
		ALTER TABLE streams DISABLE TRIGGER ALL;
		DELETE FROM events WHERE position > %d;
		DELETE FROM streams WHERE NOT EXISTS (SELECT FROM events WHERE stream = streams.id);
		ALTER TABLE events ENABLE TRIGGER ALL;
		ALTER TABLE streams ENABLE TRIGGER ALL`, position))
	require.NoError(t, err)
}

func TestALedgerOnPostgreSQLThatWasPutBackIsServedOnPurposeOnly(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	server := newServer(t, onPostgres(t, database))
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.issue(nil)
	v.license(sold)
	until := head(t, v.admin)
	v.changed(sold, "revoke", nil)
	v.license(v.issue(nil))
	server.MustStop(t)
	putBackTo(t, database, until)

	_, err := process.Start(server.Options)
	require.ErrorContains(t, err, "earlier state")
	healthy, found := diagnosed(t, server.Options)
	require.False(t, healthy)
	require.Contains(t, found["installation"].Found, "earlier state")
	accepted := run(t, server.Options, "installation", "accept")
	require.Zero(t, accepted.Code, accepted.Err)

	clientsOnly := server.Options
	clientsOnly.Env = append([]string{"LICENSELEDGER_ROLE=api"}, clientsOnly.Env...)
	_, err = process.Start(clientsOnly)
	require.ErrorContains(t, err, "do not fit the ledger", "an instance that does not project does not show such rows either")

	served := tenantClientOf(t, server.Options)
	served.product, served.plan = v.product, v.plan
	require.EqualValues(t, "ACTIVE", served.license(sold).Status)
	anew := served.issue(nil)
	require.Equal(t, anew.ID, served.license(anew).ID)
	stopSound(t, served.server)
}

func TestAServerEndsWhenItsLedgerIsPutBackUnderIt(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	server := newServer(t, onPostgres(t, database))
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.issue(nil)
	until := head(t, v.admin)
	v.changed(sold, "revoke", nil)
	eventually(t, "the keys have taken note of the head", func() bool {
		shown := run(t, server.Options, "installation", "show", "--json")
		return strings.Contains(shown.Out, fmt.Sprintf(`"keys_seen": %d`, until+1))
	})
	putBackTo(t, database, until)
	select {
	case <-server.Exited():
	case <-time.After(30 * time.Second):
		t.Fatal("the server goes on")
	}
	require.Equal(t, 1, server.ExitCode())
	require.Contains(t, server.Log(), "earlier state")
}

func TestALedgerThatMovedIsNotServedFromItsOldPlace(t *testing.T) {
	t.Parallel()
	server, v, sold := soldOne(t)
	before := jsonOutput[installationShown](t, server.Options, "installation", "show")
	moved := server.Options
	database := newPostgres(t)
	moved.Env = []string{"LICENSELEDGER_COPY_TO=" + database}
	require.Zero(t, run(t, moved, "ledger", "copy", "--from", "sqlite:ledger.db").Code)
	moved.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database}
	served := tenantClientOf(t, moved)
	served.product, served.plan = v.product, v.plan
	require.EqualValues(t, "VALID", served.validate(object{"license_key": sold.Key}).Code)
	page := blackbox.OK[api.LedgerPage](served.admin.Get("/v1/ledger/events?limit=1"))
	require.NotEqual(t, before.Epochs[0].Epoch, page.Epoch.String())
	require.NoError(t, served.server.Stop())
	after := jsonOutput[installationShown](t, moved, "installation", "show")
	require.Equal(t, before.Installation, after.Installation)
	require.Len(t, after.Epochs, 2)
	require.Equal(t, "copied", after.Epochs[1].Reason)
	doesNotStart(t, server.Options, "does not know the epoch", "licenseledger installation accept")
}
