package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func (v tenantClient) rebind(client blackbox.Client, binding api.Activation, members object) blackbox.Response {
	v.t.Helper()
	return client.Post("/v1/licenses/"+binding.LicenseID.String()+"/bindings/"+binding.BindingID.String()+"/rebind",
		with(object{"reason": "laptop replaced"}, members))
}

func TestARebindMovesTheSeatInOneStep(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 1})
	l := v.issue(nil)
	old := v.activate(l.Key, built("laptop", nil))
	moved := blackbox.OK[api.Activation](v.rebind(v.machine, old, object{"license_key": l.Key, "machine": built("desktop", nil)}))
	require.Equal(t, old.BindingID, moved.BindingID)
	require.NotEqual(t, old.ActivationID, moved.ActivationID)
	require.Equal(t, api.Seats{Used: 1, Limit: 1}, moved.Seats)
	events := v.events(l)[3:]
	require.Equal(t, []string{"activation.ended.v1", "binding.machine_rebound.v1", "activation.granted.v1"}, types(events))
	require.Equal(t, events[0].CommandID, events[2].CommandID)

	require.EqualValues(t, "FINGERPRINT_MISMATCH", v.validate(object{"license_key": l.Key, "machine": built("laptop", nil)}).Code)
	require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key, "machine": built("desktop", nil)}).Code)
	v.heartbeat(old, l.Key, built("laptop", nil)).Refused("NOT_FOUND")
	v.tryActivate(l.Key, built("laptop", nil)).Refused("SEAT_LIMIT_REACHED")
	machines := v.machines(l)
	require.Len(t, machines, 1)
	require.Equal(t, "desktop", *machines[0].Name)
	require.Equal(t, 1, machines[0].Rebinds)
	require.Equal(t, "laptop replaced", *machines[0].LastReason)
	require.Equal(t, moved.ActivationID, machines[0].Activation.ID)
}

func TestAnAdminRebindsWithoutTheLicenseKey(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	old := v.activate(l.Key, fingerprinted("laptop"))
	moved := blackbox.OK[api.Activation](v.rebind(v.admin, old, object{"machine": fingerprinted("desktop")}))
	require.Equal(t, l.ID, moved.LicenseID)
	events := v.events(l)
	require.Equal(t, "machine", events[1].Actor)
	require.Equal(t, "admin", events[len(events)-1].Actor)
	v.rebind(v.machine, old, object{"machine": fingerprinted("desktop")}).Refused("UNAUTHENTICATED")
}

func TestRebindsAreLimitedByThePlan(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_rebinds": 2})
	l := v.issue(nil)
	first, second := v.activate(l.Key, fingerprinted("1")), v.activate(l.Key, fingerprinted("2"))
	v.rebind(v.machine, first, object{"license_key": l.Key, "machine": fingerprinted("3")})
	v.rebind(v.machine, second, object{"license_key": l.Key, "machine": fingerprinted("4")})
	v.rebind(v.machine, first, object{"license_key": l.Key, "machine": fingerprinted("5")}).Refused("REBIND_LIMIT_REACHED")
	require.Len(t, v.events(l), 5+2*3)
}

func TestWhatLeadsToAnotherMachineIsLimitedLikeARebind(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 1, "max_rebinds": 1})
	l := v.issue(nil)
	first := v.activate(l.Key, fingerprinted("1"))
	v.deactivate(v.machine, first, object{"license_key": l.Key})
	again := v.activate(l.Key, fingerprinted("1"))
	v.deactivate(v.machine, again, object{"license_key": l.Key})
	second := v.activate(l.Key, fingerprinted("2"))
	v.deactivate(v.machine, second, object{"license_key": l.Key})
	v.tryActivate(l.Key, fingerprinted("3")).Refused("REBIND_LIMIT_REACHED")
	second = v.activate(l.Key, fingerprinted("2"))
	v.rebind(v.machine, second, object{"license_key": l.Key, "machine": fingerprinted("3")}).Refused("REBIND_LIMIT_REACHED")

	moved := blackbox.OK[api.Activation](v.rebind(v.admin, second, object{"machine": fingerprinted("3")}))
	v.deactivate(v.admin, moved, nil)
	v.activate(l.Key, fingerprinted("4"))
}

func TestHardwareDoesNotLeadToAnotherMachineStepByStep(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 1, "max_rebinds": 0})
	l := v.issue(nil)
	v.activate(l.Key, built("laptop", nil))
	parts := object{}
	var codes []string
	for _, part := range []string{"cpu", "board", "bios", "disk"} {
		parts[part] = "new " + part
		codes = append(codes, string(v.validate(object{"license_key": l.Key, "machine": built("laptop", parts)}).Code))
	}
	require.Equal(t, []string{"VALID", "VALID", "FINGERPRINT_MISMATCH", "FINGERPRINT_MISMATCH"}, codes)
}

func TestACooldownLiesBetweenTwoRebinds(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"rebind_cooldown_seconds": 3600})
	l := v.issue(nil)
	require.Equal(t, 3600, *l.Policy.RebindCooldownSeconds)
	a := v.activate(l.Key, fingerprinted("1"))
	a = blackbox.OK[api.Activation](v.rebind(v.machine, a, object{"license_key": l.Key, "machine": fingerprinted("2")}))
	v.rebind(v.machine, a, object{"license_key": l.Key, "machine": fingerprinted("3")}).Refused("REBIND_LIMIT_REACHED")
	blackbox.OK[api.Activation](v.rebind(v.admin, a, object{"machine": fingerprinted("3")}))
}

func TestASeatIsNotMovedToAMachineThatHasOne(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	first := v.activate(l.Key, fingerprinted("1"))
	v.activate(l.Key, fingerprinted("2"))
	v.rebind(v.machine, first, object{"license_key": l.Key, "machine": fingerprinted("2")}).Refused("MACHINE_ALREADY_BOUND")
	v.rebind(v.machine, first, object{"license_key": l.Key, "machine": fingerprinted("1")}).Refused("MACHINE_ALREADY_BOUND")
}

func TestARebindNeedsABindingOfTheLicense(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l, other := v.issue(nil), v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	v.rebind(v.machine, a, object{"license_key": other.Key, "machine": fingerprinted("desktop")}).Refused("LICENSE_NOT_FOUND")
	nobody := api.Activation{LicenseID: l.ID}
	v.rebind(v.admin, nobody, object{"machine": fingerprinted("desktop")}).Refused("NOT_FOUND")
	v.changed(l, "suspend", nil)
	v.rebind(v.admin, a, object{"machine": fingerprinted("desktop")}).Refused("LICENSE_SUSPENDED")
}

// Whoever holds a licence key could fill the ledger by taking a seat and leaving it, over and over.
func TestMachinesTakeSeatsOnlySoOftenADay(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 1, "daily_activations_per_seat": 3})
	l := v.issue(nil)
	require.Equal(t, 3, *l.Policy.DailyActivationsPerSeat)
	require.Equal(t, 3, *v.license(l).Policy.DailyActivationsPerSeat)
	for range 3 {
		a := v.activate(l.Key, fingerprinted("1"))
		again := blackbox.OK[api.Activation](v.tryActivate(l.Key, fingerprinted("1")))
		require.Equal(t, a.ActivationID, again.ActivationID, "a machine that has a seat is not limited")
		v.deactivate(v.machine, a, object{"license_key": l.Key, "reason": "on and on"})
	}
	before := head(t, v.admin)
	v.tryActivate(l.Key, fingerprinted("1")).Refused("DAILY_LIMIT_REACHED")
	require.Equal(t, before, head(t, v.admin))

	other := v.issue(nil)
	first := v.activate(other.Key, fingerprinted("1"))
	for _, machine := range []string{"2", "3"} {
		first = blackbox.OK[api.Activation](v.rebind(v.machine, first,
			object{"license_key": other.Key, "machine": fingerprinted(machine), "reason": "on and on"}))
	}
	v.rebind(v.machine, first, object{"license_key": other.Key, "machine": fingerprinted("4"), "reason": "on and on"}).
		Refused("DAILY_LIMIT_REACHED")
	blackbox.OK[api.Activation](v.rebind(v.admin, first, object{"machine": fingerprinted("4"), "reason": "the operator may"}))
}
