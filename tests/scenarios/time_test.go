package scenarios_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// soon is how long a licence lives that is to end while a scenario waits for it; long enough to be used before, however busy
// the machine is.
const soon = 3 * time.Second

func TestALicenseExpiresByItselfAndARenewalBringsItBack(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(object{"expires_at": in(soon)})
	a := v.activate(l.Key, fingerprinted("laptop"))
	require.False(t, a.ExpiresAt.After(*l.ExpiresAt), "a certificate must not outlive its licence")

	expired := v.await(l, "license.expired.v2", 0)
	require.Equal(t, "system", expired.Actor)
	require.False(t, expired.RecordedAt.Before(*l.ExpiresAt))
	require.EqualValues(t, "EXPIRED", v.license(l).Status)
	// The event is in the ledger a moment before the one who recorded it knows; until then it is expired by the clock alone.
	var verdict api.Verdict
	eventually(t, "the verdict names the event", func() bool {
		verdict = v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")})
		require.EqualValues(t, "LICENSE_EXPIRED", verdict.Code)
		return verdict.DecidedBy[0].Position > 0
	})
	v.decidedBy(l, verdict, "license.expired.v2", "license.issued.v1")
	v.tryActivate(l.Key, fingerprinted("laptop")).Refused("LICENSE_EXPIRED")
	v.heartbeat(a, l.Key, fingerprinted("laptop")).Refused("LICENSE_EXPIRED")
	v.change(l, "reinstate", nil).Refused("INVALID_TRANSITION")

	renewed := v.changed(l, "renew", object{"extend_days": 30})
	require.EqualValues(t, "ACTIVE", renewed.Status)
	require.WithinDuration(t, time.Now().Add(30*24*time.Hour), *renewed.ExpiresAt, time.Minute)
	fresh := blackbox.OK[api.Activation](v.heartbeat(a, l.Key, fingerprinted("laptop")))
	require.True(t, fresh.ExpiresAt.After(a.ExpiresAt))
	require.NotEqual(t, a.Certificate, fresh.Certificate)
	require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")}).Code)
}

func TestAnExpiryIsRespectedBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(object{"expires_at": in(soon)})
	var verdict api.Verdict
	eventually(t, "the licence expires", func() bool {
		verdict = v.validate(object{"license_key": l.Key})
		return verdict.Code != "VALID"
	})
	require.False(t, time.Now().Before(*l.ExpiresAt))
	require.EqualValues(t, "LICENSE_EXPIRED", verdict.Code)
	require.EqualValues(t, "EXPIRED", verdict.License.Status)
	require.Contains(t, types(v.events(l)), "license.issued.v1")
	require.NotEmpty(t, verdict.DecidedBy)
}

// The shortest lease is half a minute, which is too long to wait for; a lease never outlives its licence, though, so a
// licence that ends soon and is renewed lets its lease lapse early.
func TestALapsedLeaseFreesItsSeatAndTakesOneAgainIfThereIsOne(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"lease_seconds": 30, "max_machines": 1})
	l := v.issue(object{"expires_at": in(soon)})
	a := v.activate(l.Key, fingerprinted("laptop"))
	require.Equal(t, *l.ExpiresAt, a.ExpiresAt)
	v.tryActivate(l.Key, fingerprinted("desktop")).Refused("SEAT_LIMIT_REACHED")

	expired := v.await(l, "license.expired.v2", 0)
	require.Equal(t, []string{"activation.lapsed.v1", "license.expired.v2"}, types(v.events(l))[3:])
	v.changed(l, "renew", object{"extend_days": 30})
	verdict := v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")})
	require.EqualValues(t, "LEASE_LAPSED", verdict.Code)
	v.decidedBy(l, verdict, "activation.lapsed.v1")
	require.Equal(t, 0, v.license(l).Seats.Used)
	require.EqualValues(t, "IDLE", v.machines(l)[0].Status)
	require.EqualValues(t, "LAPSED", v.machines(l)[0].Activation.Status)

	b := v.activate(l.Key, fingerprinted("desktop"))
	require.WithinDuration(t, time.Now().Add(30*time.Second), b.ExpiresAt, 10*time.Second)
	v.heartbeat(a, l.Key, fingerprinted("laptop")).Refused("SEAT_LIMIT_REACHED")
	blackbox.OK[api.Deactivation](v.machine.Post("/v1/activations/"+b.ActivationID.String()+"/deactivate",
		object{"license_key": l.Key, "reason": "done"}))

	back := blackbox.OK[api.Activation](v.heartbeat(a, l.Key, fingerprinted("laptop")))
	require.Equal(t, a.ActivationID, back.ActivationID)
	require.Equal(t, api.Seats{Used: 1, Limit: 1}, back.Seats)
	require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")}).Code)
	require.Greater(t, v.await(l, "activation.renewed.v1", expired.Position).Position, expired.Position)
}

func TestAHeartbeatGetsAFreshCertificateWhenLessThanHalfIsLeft(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	for how, contact := range map[string]func(api.LicenseWithKey, api.Activation) string{
		"heartbeat": func(l api.LicenseWithKey, a api.Activation) string {
			return blackbox.OK[api.Activation](v.heartbeat(a, l.Key, fingerprinted("laptop"))).Certificate
		},
		"validate": func(l api.LicenseWithKey, _ api.Activation) string {
			return *v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")}).Certificate
		},
	} {
		l := v.issue(object{"expires_at": in(2 * soon)})
		a := v.activate(l.Key, fingerprinted("laptop"))
		v.changed(l, "renew", object{"extend_days": 30})
		var fresh string
		eventually(t, "half of the time is over", func() bool {
			fresh = contact(l, a)
			return fresh != a.Certificate
		})
		half := a.ExpiresAt.Add(-a.ExpiresAt.Sub(v.machines(l)[0].Activation.GrantedAt) / 2)
		require.False(t, time.Now().Before(half), how)
		require.Equal(t, fresh, contact(l, a), how)
		require.Equal(t, []string{"license.renewed.v1", "activation.renewed.v1"}, types(v.events(l))[3:], how)
	}
}

func TestARenewalLiftsNoSuspension(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(object{"expires_at": in(soon)})
	suspended := v.changed(l, "suspend", object{"reason": "payment overdue"})
	require.NotNil(t, suspended.SuspendedAt)
	require.Nil(t, suspended.ExpiredAt)

	v.await(l, "license.expired.v2", 0)
	shown := v.license(l)
	require.EqualValues(t, "SUSPENDED", shown.Status)
	require.Equal(t, suspended.SuspendedAt, shown.SuspendedAt)
	require.Equal(t, l.ExpiresAt, shown.ExpiredAt)
	v.change(l, "suspend", nil).Refused("INVALID_TRANSITION")

	renewed := v.changed(l, "renew", object{"extend_days": 30})
	require.EqualValues(t, "SUSPENDED", renewed.Status)
	require.Nil(t, renewed.ExpiredAt)
	require.Equal(t, renewed, v.license(l))
	verdict := v.validate(object{"license_key": l.Key})
	require.EqualValues(t, "LICENSE_SUSPENDED", verdict.Code)
	v.decidedBy(l, verdict, "license.suspended.v1")
	require.EqualValues(t, "ACTIVE", v.changed(l, "reinstate", nil).Status)
	require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key}).Code)
}

func TestAnExpiredLicenseIsSuspendedAndReinstatedAndExpiredAllTheWhile(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(object{"expires_at": in(soon)})
	v.await(l, "license.expired.v2", 0)
	suspended := v.changed(l, "suspend", nil)
	require.EqualValues(t, "SUSPENDED", suspended.Status)
	require.Equal(t, l.ExpiresAt, suspended.ExpiredAt)
	reinstated := v.changed(l, "reinstate", nil)
	require.EqualValues(t, "EXPIRED", reinstated.Status)
	require.Equal(t, reinstated, v.license(l))
	v.change(l, "undo-expiry", nil).Refused("INVALID_TRANSITION")

	v.changed(l, "suspend", nil)
	revoked := v.changed(l, "revoke", nil)
	require.EqualValues(t, "REVOKED", revoked.Status)
	require.NotNil(t, revoked.SuspendedAt)
	require.NotNil(t, revoked.ExpiredAt)
	require.NotNil(t, revoked.RevokedAt)
	require.Equal(t, revoked, v.license(l))
	v.change(l, "undo-expiry", nil).Refused("INVALID_TRANSITION")
}
