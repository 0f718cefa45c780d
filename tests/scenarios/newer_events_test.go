package scenarios_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"                //nolint:depguard // nothing public writes a later event
	"github.com/licenseledger/licenseledger/eventstore"                  //nolint:depguard // likewise
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"     //nolint:depguard // likewise
	storepg "github.com/licenseledger/licenseledger/eventstore/postgres" //nolint:depguard // likewise
	storelite "github.com/licenseledger/licenseledger/eventstore/sqlite" //nolint:depguard // likewise
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

const newerType = "license.gifted.v9"

// openStore opens the ledger of a stopped server, whatever engine keeps it.
func openStore(ctx context.Context, o process.Options) (eventstore.Store, error) {
	for _, variable := range o.Env {
		location, found := strings.CutPrefix(variable, "LICENSELEDGER_EVENTSTORE=")
		switch {
		case found && strings.HasPrefix(location, "postgres"):
			return storepg.Open(ctx, location)
		case found && strings.HasPrefix(location, "esdb"):
			return eventstoredb.Open(ctx, location)
		}
	}
	return storelite.Open(ctx, filepath.Join(o.DataDir, "ledger.db"))
}

// newerEvent appends an event of a type that only a later version knows, and returns its position.
func newerEvent(t *testing.T, o process.Options, stream string) (at event.Position) {
	t.Helper()
	store, err := openStore(t.Context(), o)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	var last event.Envelope
	last.Tenant = "default"
	for e, err := range store.ReadStream(t.Context(), stream, 0) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			break
		}
		require.NoError(t, err)
		last = e
	}
	commit, err := store.Append(t.Context(), stream, last.Revision, []event.Pending{{
		ID: uuid.Must(uuid.NewV7()), Type: newerType, RecordedAt: time.Now().UTC().Truncate(time.Microsecond),
		Metadata: event.Metadata{Tenant: last.Tenant, Actor: "admin", CommandID: uuid.NewString()}, Data: []byte(`{"from": "a friend"}`),
	}})
	require.NoError(t, err)
	return commit.Position
}

func TestAnEventOfALaterVersionStopsOneLicenseAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, on := range [][2]string{{engines.SQLite, engines.SQLite}, {engines.PostgreSQL, engines.PostgreSQL},
		{engines.EventStoreDB, engines.SQLite}} {
		t.Run(on[0], func(t *testing.T) {
			t.Parallel()
			place, err := engines.Start(on[0], on[1])
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, place.Close()) })
			server := newServer(t, func(o *process.Options) {
				o.Env = nil
				require.NoError(t, place.NewLedger(t.Context(), o))
			})
			oneLicenseStops(t, server, on[0])
		})
	}
}

func oneLicenseStops(t *testing.T, server *blackbox.Server, engine string) {
	t.Helper()
	v := newTenantClientOn(t, server, nil, nil)
	repeatable := v
	repeatable.admin = v.admin.With("Idempotency-Key", "issued once")
	gifted, other := repeatable.issue(nil), v.issue(nil)
	v.activate(gifted.Key, built("gifted", nil))
	a := v.activate(other.Key, built("other", nil))
	v.license(other) // waits for the read models
	var at event.Position
	if engine == engines.SQLite { // which nobody else can write to while the server runs
		server.MustStop(t)
		at = newerEvent(t, server.Options, streamOf(gifted))
		server.Restart(t)
	} else {
		at = newerEvent(t, server.Options, streamOf(gifted))
	}
	v.failed(at)

	// What depends on the event is refused, with words.
	problem := v.machine.Post("/v1/validate", object{"license_key": gifted.Key}).Refused("NEWER_LEDGER")
	require.Contains(t, *problem.Detail, newerType)
	require.Contains(t, *problem.Detail, fmt.Sprint(at))
	require.Contains(t, problem.Hint, "upgrade this instance")
	v.change(gifted, "suspend", nil).Refused("NEWER_LEDGER")
	v.tryActivate(gifted.Key, built("another", nil)).Refused("NEWER_LEDGER")
	repeatable.admin.Post("/v1/licenses", v.order(nil)).Refused("NEWER_LEDGER")
	began := time.Now()
	v.admin.Seeing(uint64(at)).Get("/v1/licenses/" + other.ID.String()).Refused("NEWER_LEDGER")
	require.Less(t, time.Since(began), 3*time.Second, "what would never come is not waited for")

	// Everything else is served.
	require.EqualValues(t, "VALID", v.validate(object{"license_key": other.Key, "machine": built("other", nil)}).Code)
	blackbox.OK[api.Activation](v.heartbeat(a, other.Key, built("other", nil)))
	v.activate(other.Key, built("second", nil))
	v.changed(other, "suspend", nil)
	v.activate(v.issue(nil).Key, built("third", nil))
	for _, l := range []api.LicenseWithKey{gifted, other} {
		require.Equal(t, l.ID, blackbox.OK[api.License](v.admin.Get("/v1/licenses/"+l.ID.String())).ID)
	}
	require.Len(t, blackbox.OK[api.LicensePage](v.admin.Get("/v1/licenses")).Items, 2, "what was there before the event")
	require.Equal(t, newerType, types(v.events(gifted))[3])
	v.degraded()

	// The tools say what it is.
	if engine != engines.EventStoreDB {
		healthy, found := diagnosed(t, server.Options)
		require.False(t, healthy)
		require.Contains(t, found["eventstore: types of events"].Found, newerType)
		require.Contains(t, found["eventstore: types of events"].Advice, "docs/upgrading.md")
	}
	_, found := diagnosed(t, server.Options)
	require.Contains(t, found["readmodels: projections"].Found, newerType)
	server.MustStop(t)
	for _, command := range [][]string{{"fsck"}, {"ledger", "verify"}} {
		ran := server.Command(t, command...)
		require.NotZero(t, ran.Code)
		require.Contains(t, ran.Out+ran.Err, "a newer version of the program wrote it")
		require.Contains(t, ran.Out+ran.Err, "docs/upgrading.md")
		require.NotContains(t, ran.Out+ran.Err, "damaged")
	}
}

// failed waits until every projection has stopped before an event.
func (v tenantClient) failed(before event.Position) {
	v.t.Helper()
	eventually(v.t, "every projection stops", func() bool {
		for _, p := range blackbox.OK[api.ProjectionList](v.admin.Get("/v1/projections")).Items {
			if p.State != "FAILED" {
				return false
			}
			require.Less(v.t, p.Position, uint64(before))
			require.Contains(v.t, *p.Error, newerType)
		}
		return true
	})
}

// degraded checks that the server is ready, and names what does not work. A part that takes long to look at is said to not have answered.
func (v tenantClient) degraded() {
	v.t.Helper()
	eventually(v.t, "the server says what is degraded", func() bool {
		ready := blackbox.OK[api.Readiness](v.machine.Get("/healthz/ready"))
		for _, part := range []string{"events", "projection_licenses", "projection_machines", "projection_catalog", "projection_timeline"} {
			if ready.Checks[part] != "degraded" || !strings.Contains(ready.Reasons[part], newerType) {
				return false
			}
		}
		for _, part := range []string{"ledger", "keys", "readmodels", "ledger_writes", "key_writes"} {
			if ready.Checks[part] != "ok" {
				return false
			}
		}
		return ready.Status == "degraded"
	})
}

func TestALedgerNeedNotBeUnderstoodToBeBackedUpRestoredAndCopied(t *testing.T) {
	t.Parallel()
	server := stoppedServer(t)
	at := newerEvent(t, server.Options, "a-stream-of-its-own")
	here := t.TempDir()
	backup, keys := filepath.Join(here, "backup"), filepath.Join(here, "keys")
	ran := run(t, server.Options, "backup", backup, "--keys", keys)
	require.Zero(t, ran.Code, ran.Err)
	o := restored(t, server.Options, backup, keys)
	ran = run(t, server.Options, "ledger", "copy", "--from", "sqlite:ledger.db", "--to", "sqlite:"+filepath.Join(here, "copied.db"))
	require.Zero(t, ran.Code, ran.Err)
	verified := run(t, server.Options, "ledger", "verify")
	require.NotZero(t, verified.Code)
	require.Regexp(t, `digest\s+[0-9a-f]{64}`, verified.Out, "all of it was read")
	require.Contains(t, verified.Err, fmt.Sprintf("position %d", at))
	require.Equal(t, digestOf(verified.Out), digestOf(run(t, o, "ledger", "verify").Out))
	require.Equal(t, digestOf(verified.Out), digestOf(run(t, o, "ledger", "verify", "--at", "sqlite:"+filepath.Join(here, "copied.db")).Out))
}

func digestOf(report string) string { return regexp.MustCompile(`[0-9a-f]{64}`).FindString(report) }
