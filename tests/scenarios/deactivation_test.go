package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func (v tenantClient) deactivate(client blackbox.Client, a api.Activation, members object) blackbox.Response {
	v.t.Helper()
	return client.Post("/v1/licenses/"+a.LicenseID.String()+"/activations/"+a.ActivationID.String()+"/deactivate",
		with(object{"reason": "moving out"}, members))
}

func TestAMachineGivesItsSeatBack(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 1})
	l := v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	ended := blackbox.OK[api.Deactivation](v.deactivate(v.machine, a, object{"license_key": l.Key}))
	require.Equal(t, api.Deactivation{ActivationID: a.ActivationID, LicenseID: l.ID, Seats: api.Seats{Used: 0, Limit: 1}}, ended)
	require.Equal(t, []string{"activation.ended.v1", "binding.machine_released.v1"}, types(v.events(l))[3:])
	require.EqualValues(t, "NOT_ACTIVATED", v.validate(object{"license_key": l.Key, "machine": fingerprinted("laptop")}).Code)
	released := v.machines(l)[0]
	require.EqualValues(t, "RELEASED", released.Status)
	require.NotNil(t, released.ReleasedAt)
	require.EqualValues(t, "ENDED", released.Activation.Status)
	require.Equal(t, "moving out", *released.LastReason)

	v.deactivate(v.machine, a, object{"license_key": l.Key}).Refused("NOT_FOUND")
	again := v.activate(l.Key, fingerprinted("laptop"))
	require.NotEqual(t, a.BindingID, again.BindingID)
	require.Len(t, v.machines(l), 2)
}

func TestAnAdminDeactivatesWithoutTheLicenseKeyRightAfterTheActivation(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	for _, machine := range []string{"1", "2", "3", "4", "5"} {
		a := v.activate(l.Key, fingerprinted(machine))
		require.Equal(t, 0, blackbox.OK[api.Deactivation](v.deactivate(v.admin, a, nil)).Seats.Used)
	}
	v.deactivate(v.admin, api.Activation{}, nil).Refused("LICENSE_NOT_FOUND")
	v.deactivate(v.admin, api.Activation{LicenseID: l.ID}, nil).Refused("NOT_FOUND")
}

func TestASuspendedLicenseStillLetsMachinesGo(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a, b := v.activate(l.Key, fingerprinted("1")), v.activate(l.Key, fingerprinted("2"))
	v.changed(l, "suspend", nil)
	blackbox.OK[api.Deactivation](v.deactivate(v.machine, a, object{"license_key": l.Key}))
	v.changed(l, "revoke", nil)
	blackbox.OK[api.Deactivation](v.deactivate(v.admin, b, nil))
	require.Equal(t, 0, v.license(l).Seats.Used)
}

func TestADeactivationNeedsACredential(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l, other := v.issue(nil), v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	v.deactivate(v.machine, a, nil).Refused("UNAUTHENTICATED")
	v.deactivate(v.machine, a, object{"license_key": nil}).Refused("UNAUTHENTICATED")
	v.deactivate(v.machine, a, object{"license_key": mistyped(l.Key)}).Refused("LICENSE_KEY_INVALID")
	v.deactivate(v.machine, a, object{"license_key": other.Key}).Refused("LICENSE_NOT_FOUND")
	v.deactivate(v.admin.With("Authorization", "Bearer wrong"), a, nil).Refused("UNAUTHENTICATED")
	require.Equal(t, 1, v.license(l).Seats.Used)
}
