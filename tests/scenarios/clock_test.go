package scenarios_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// recordAhead puts an event of a licence into the ledger of a stopped server, as it would have with a clock that was ahead by some time.
func recordAhead(t *testing.T, o process.Options, ahead time.Duration, l api.LicenseWithKey, eventType, data string) {
	t.Helper()
	damageFile(t, filepath.Join(o.DataDir, "ledger.db"), fmt.Sprintf(`
		INSERT INTO events (position, stream, revision, id, type, recorded_at, tenant, actor, correlation,
		causation, command_id, request_hash, data)
		SELECT (SELECT max(position) + 1 FROM events), stream, max(revision) + 1, randomblob(16), '%s', %d, tenant,
  'system', '', 'c', 'c', '', CAST('%s' AS BLOB)
		FROM events WHERE stream = (SELECT id FROM streams WHERE name = '%s') GROUP BY stream`,
		eventType, time.Now().Add(ahead).UnixMicro(), data, streamOf(l)))
}

func expireAhead(t *testing.T, o process.Options, ahead time.Duration, l api.LicenseWithKey) {
	t.Helper()
	recordAhead(t, o, ahead, l, "license.expired.v2", `{"expired_at":"`+l.ExpiresAt.Format(time.RFC3339Nano)+`"}`)
}

type wronglyExpired struct {
	LedgerAhead bool `json:"ledger_ahead"`
	Licenses    []struct{ ID, Status, Result string }
}

func TestExpiriesThatAWrongClockRecordedAreUndone(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	inTenDays := object{"expires_at": in(10 * 24 * time.Hour)}
	wrong, alsoWrong, suspended, untouched := v.issue(inTenDays), v.issue(inTenDays), v.issue(inTenDays), v.issue(inTenDays)
	a := v.activate(wrong.Key, fingerprinted("laptop"))
	v.changed(suspended, "suspend", nil)
	truly := v.issue(object{"expires_at": in(soon)})
	v.await(truly, "license.expired.v2", 0)
	server.MustStop(t)
	for _, l := range []api.LicenseWithKey{wrong, alsoWrong, suspended} {
		expireAhead(t, server.Options, 11*24*time.Hour, l)
	}

	healthy, found := diagnosed(t, server.Options)
	require.False(t, healthy)
	require.Equal(t, "FAIL", found["clock"].Result)
	require.Contains(t, found["clock"].Advice, "undo-expiries")
	server.Restart(t)
	eventually(t, "the log says so", func() bool { return strings.Contains(server.Log(), "the clock is suspect") })
	metrics := string(v.machine.Get("/metrics").Body)
	require.Contains(t, metrics, "licenseledger_clock_suspect 1")
	require.Contains(t, metrics, "licenseledger_clock_offset_seconds -9")
	require.EqualValues(t, "EXPIRED", v.license(wrong).Status)
	require.EqualValues(t, "LICENSE_EXPIRED", v.validate(object{"license_key": untouched.Key}).Code, "by the time of the ledger")

	looked := jsonOutput[wronglyExpired](t, server.Options, "licenses", "undo-expiries", "--dry-run", "--server", server.URL())
	require.True(t, looked.LedgerAhead)
	require.Len(t, looked.Licenses, 3)
	require.EqualValues(t, "EXPIRED", v.license(wrong).Status, "looking changes nothing")
	refused := run(t, server.Options, "licenses", "undo-expiries", "--server", server.URL())
	require.Equal(t, 1, refused.Code)
	require.Contains(t, refused.Err, "--reason")

	undone := jsonOutput[wronglyExpired](t, server.Options, "licenses", "undo-expiries", "--reason", "the clock ran ahead", "--server",
		server.URL())
	require.Len(t, undone.Licenses, 3)
	for _, l := range undone.Licenses {
		require.Equal(t, "undone", l.Result)
	}
	require.EqualValues(t, "ACTIVE", v.license(wrong).Status)
	require.EqualValues(t, "SUSPENDED", v.license(suspended).Status)
	require.Nil(t, v.license(suspended).ExpiredAt)
	require.EqualValues(t, "EXPIRED", v.license(truly).Status)
	for _, l := range []api.LicenseWithKey{wrong, alsoWrong, untouched} {
		require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key}).Code)
	}
	blackbox.OK[api.Activation](v.heartbeat(a, wrong.Key, fingerprinted("laptop")))
	require.Contains(t, string(v.machine.Get("/metrics").Body), "licenseledger_clock_suspect 0")
	again := jsonOutput[wronglyExpired](t, server.Options, "licenses", "undo-expiries", "--reason", "the clock ran ahead", "--server",
		server.URL())
	require.Empty(t, again.Licenses)
	require.False(t, again.LedgerAhead)

	history := blackbox.OK[api.HistoryPage](v.upToDate().Get("/v1/licenses/" + wrong.ID.String() + "/history")).Items
	last := history[len(history)-1]
	require.Equal(t, "license.expiry_undone.v1", last.Type)
	require.Equal(t, "the clock ran ahead", *last.Reason)
	stopSound(t, server)
	healthy, found = diagnosed(t, server.Options)
	require.True(t, healthy, found)
}

func TestALedgerAheadOfTheClockIsSetBackThoughNoExpiryIsRecorded(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	early, late, other := v.issue(object{"expires_at": in(24 * time.Hour)}), v.issue(object{"expires_at": in(48 * time.Hour)}), v.issue(nil)
	server.MustStop(t)
	recordAhead(t, server.Options, 11*24*time.Hour, other, "license.suspended.v1", `{"reason":"unpaid","suspended_at":"2026-03-03T12:00:00Z"}`)
	server.Restart(t)
	for _, l := range []api.LicenseWithKey{early, late} {
		require.EqualValues(t, "LICENSE_EXPIRED", v.validate(object{"license_key": l.Key}).Code)
	}
	undone := jsonOutput[wronglyExpired](t, server.Options, "licenses", "undo-expiries", "--reason", "the clock ran ahead", "--server",
		server.URL())
	require.Len(t, undone.Licenses, 1, "one is enough")
	require.Equal(t, early.ID.String(), undone.Licenses[0].ID)
	for _, l := range []api.LicenseWithKey{early, late} {
		require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key}).Code)
	}
	fresh := v.issue(nil)
	require.WithinDuration(t, time.Now(), fresh.IssuedAt, time.Minute)
}

func TestAnUndoneExpiryIsAnsweredAgainAndNothingElseIsUndone(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	v := newTenantClientOn(t, server, nil, nil)
	l := v.issue(object{"expires_at": in(time.Hour)})
	v.change(l, "undo-expiry", nil).Refused("INVALID_TRANSITION")
	v.change(l, "undo-expiry", object{"reason": " "}).Invalid("reason")
	v.change(api.LicenseWithKey{}, "undo-expiry", nil).Refused("LICENSE_NOT_FOUND")
	v.machine.Post("/v1/licenses/"+l.ID.String()+"/undo-expiry", object{"reason": "because"}).Refused("UNAUTHENTICATED")
	server.MustStop(t)
	expireAhead(t, server.Options, 0, l)
	server.Restart(t)

	path := "/v1/licenses/" + l.ID.String() + "/undo-expiry"
	v.admin.With("If-Match", `"1"`).Post(path, object{"reason": "because"}).Refused("PRECONDITION_FAILED")
	client := v.admin.With("Idempotency-Key", newCode())
	first := client.Post(path, object{"reason": "because"})
	require.EqualValues(t, "ACTIVE", blackbox.OK[api.License](first).Status)
	again := client.Post(path, object{"reason": "because"})
	require.True(t, again.Replayed())
	require.JSONEq(t, string(first.Body), string(again.Body))
	client.Post(path, object{"reason": "why"}).Refused("IDEMPOTENCY_KEY_REUSED")
	require.Equal(t, []string{"license.issued.v1", "license.expired.v2", "license.expiry_undone.v1"}, types(v.events(l)))
}

func TestAServerWhoseClockIsRightSaysSo(t *testing.T) {
	t.Parallel()
	metrics := string(newTenantClient(t, nil).machine.Get("/metrics").Body)
	require.Contains(t, metrics, "licenseledger_clock_suspect 0")
}
