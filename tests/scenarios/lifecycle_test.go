package scenarios_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func TestASuspendedLicensePermitsNothingUntilItIsReinstated(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	suspended := v.changed(l, "suspend", object{"reason": "payment overdue"})
	require.EqualValues(t, "SUSPENDED", suspended.Status)
	v.tryActivate(l.Key, fingerprinted("laptop")).Refused("LICENSE_SUSPENDED")
	v.heartbeat(a, l.Key, fingerprinted("laptop")).Refused("LICENSE_SUSPENDED")
	v.change(l, "suspend", nil).Refused("INVALID_TRANSITION")
	require.Equal(t, suspended, v.license(l))

	require.EqualValues(t, "ACTIVE", v.changed(l, "reinstate", object{"reason": "paid"}).Status)
	v.change(l, "reinstate", nil).Refused("INVALID_TRANSITION")
	blackbox.OK[api.Activation](v.heartbeat(a, l.Key, fingerprinted("laptop")))
}

func TestARevokedLicenseIsRevokedForGood(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	require.EqualValues(t, "REVOKED", v.changed(l, "revoke", object{"reason": "charged back"}).Status)
	v.tryActivate(l.Key, fingerprinted("laptop")).Refused("LICENSE_REVOKED")
	v.heartbeat(a, l.Key, fingerprinted("laptop")).Refused("LICENSE_REVOKED")
	for _, command := range []string{"suspend", "reinstate", "revoke", "reissue-key"} {
		v.change(l, command, nil).Refused("INVALID_TRANSITION")
	}
	v.change(l, "renew", object{"extend_days": 1}).Refused("INVALID_TRANSITION")
	require.EqualValues(t, "REVOKED", v.license(l).Status)
}

func TestARenewalMovesTheExpiry(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	extended := v.changed(l, "renew", object{"extend_days": 10})
	require.Equal(t, l.ExpiresAt.Add(10*24*time.Hour), *extended.ExpiresAt)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	require.Equal(t, at, *v.changed(l, "renew", object{"expires_at": at.Format(time.RFC3339Nano)}).ExpiresAt)
	require.Equal(t, at, *v.license(l).ExpiresAt)

	v.change(l, "renew", nil).Invalid("extend_days")
	v.change(l, "renew", object{"extend_days": 1, "expires_at": in(time.Hour)}).Invalid("extend_days")
	v.change(l, "renew", object{"extend_days": 0}).Invalid("extend_days")
	v.change(l, "renew", object{"expires_at": in(-time.Hour)}).Invalid("expires_at")
}

func TestAPerpetualLicenseHasNothingToExtend(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"validity_days": nil})
	l := v.issue(nil)
	require.Nil(t, l.ExpiresAt)
	v.change(l, "renew", object{"extend_days": 1}).Refused("INVALID_TRANSITION")
	require.NotNil(t, v.changed(l, "renew", object{"expires_at": in(time.Hour)}).ExpiresAt)
}

func TestAReissuedKeyMakesTheOldOneUseless(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	reissued := blackbox.OK[api.LicenseWithKey](v.change(l, "reissue-key", object{"reason": "key leaked"}))
	require.NotEqual(t, l.Key, reissued.Key)
	require.Equal(t, 1, reissued.KeyGeneration)
	v.tryActivate(l.Key, fingerprinted("laptop")).Refused("LICENSE_KEY_INVALID")
	v.heartbeat(a, l.Key, fingerprinted("laptop")).Refused("LICENSE_KEY_INVALID")
	require.EqualValues(t, "LICENSE_KEY_INVALID", v.validate(object{"license_key": l.Key}).Code)
	blackbox.OK[api.Activation](v.heartbeat(a, reissued.Key, fingerprinted("laptop")))
	require.Equal(t, reissued.License, v.license(l))
}

func TestEveryChangeNeedsAReason(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	for _, command := range []string{"suspend", "reinstate", "revoke", "reissue-key"} {
		v.change(l, command, object{"reason": " "}).Invalid("reason")
		v.admin.Post("/v1/licenses/"+l.ID.String()+"/"+command, object{}).Invalid("reason")
	}
	v.change(l, "renew", object{"reason": "", "extend_days": 1}).Invalid("reason")
}

func TestALicenseThatIsNotThereCannotBeChanged(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	for _, command := range []string{"suspend", "reinstate", "revoke", "reissue-key", "renew"} {
		members := object{}
		if command == "renew" {
			members["extend_days"] = 1
		}
		v.change(api.LicenseWithKey{}, command, members).Refused("LICENSE_NOT_FOUND")
	}
	for _, part := range []string{"", "/history", "/machines"} {
		v.admin.Get("/v1/licenses/00000000-0000-4000-8000-000000000000" + part).Refused("LICENSE_NOT_FOUND")
	}
}

func TestAHistoryTellsWhatHappenedWhenByWhomAndWhy(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, built("laptop", nil))
	v.rebind(v.machine, a, object{"license_key": l.Key, "machine": built("desktop", nil)})
	v.changed(l, "suspend", object{"reason": "payment overdue"})
	v.changed(l, "reinstate", object{"reason": "paid"})
	v.changed(l, "renew", object{"reason": "second year", "extend_days": 365})
	v.changed(l, "revoke", object{"reason": "charged back"})

	history := blackbox.OK[api.HistoryPage](v.upToDate().Get("/v1/licenses/" + l.ID.String() + "/history"))
	events := v.events(l)
	require.Len(t, history.Items, len(events))
	whys := map[string]string{}
	for i, entry := range history.Items {
		require.Equal(t, events[i].Position, entry.Position)
		require.Equal(t, events[i].ID, entry.EventID)
		require.Equal(t, events[i].Type, entry.Type)
		require.Equal(t, events[i].RecordedAt, entry.RecordedAt)
		require.Equal(t, events[i].Actor, entry.Actor)
		require.Equal(t, events[i].CorrelationID, entry.CorrelationID)
		require.EqualValues(t, i+1, entry.Revision)
		require.NotEmpty(t, entry.Summary)
		if entry.Reason != nil {
			whys[entry.Type] = *entry.Reason
		}
	}
	require.Equal(t, map[string]string{
		"activation.ended.v1": "laptop replaced", "binding.machine_rebound.v1": "laptop replaced",
		"license.suspended.v1": "payment overdue", "license.reinstated.v1": "paid",
		"license.renewed.v1": "second year", "license.revoked.v1": "charged back",
	}, whys)
	require.Contains(t, history.Items[1].Summary, "seat 1 of 2")
	require.NotContains(t, string(history.Items[0].Data), "customer")

	oldestFirst := pages[api.HistoryEntry](t, v.upToDate(), "/v1/licenses/"+l.ID.String()+"/history?limit=4")
	require.Equal(t, history.Items, oldestFirst)
}
