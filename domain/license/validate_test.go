package license_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestVerdictsNameTheirCodeAndTheEventsThatDecided(t *testing.T) {
	t.Parallel()
	end := noon.Add(time.Minute)
	activated := []event.Payload{issued(floating(60), expires(inAMonth)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end)}
	with := func(further ...event.Payload) []event.Payload {
		return append(activated[:len(activated):len(activated)], further...)
	}
	first, second := machineNo(1), machineNo(2)
	tests := map[string]struct {
		happened []event.Payload
		now      time.Time
		ask      license.Validate
		code     license.Code
		decided  []event.Type
	}{
		"the licence alone": {activated, noon, license.Validate{}, license.Valid, []event.Type{license.IssuedType}},
		"its machine": {
			activated, noon, license.Validate{Machine: &first}, license.Valid,
			[]event.Type{license.IssuedType, binding.MachineBoundType, "activation.granted.v1"},
		},
		"no machine yet":  {activated[:1], noon, license.Validate{Machine: &first}, license.NotActivated, []event.Type{license.IssuedType}},
		"another machine": {activated, noon, license.Validate{Machine: &second}, license.FingerprintMismatch, []event.Type{license.IssuedType}},
		"a lapsed lease": {
			with(lapsed(1, 0, end)), end, license.Validate{Machine: &first}, license.LeaseLapsed, []event.Type{"activation.lapsed.v1"},
		},
		"a lease that ran out unrecorded": {activated, end, license.Validate{Machine: &first}, license.LeaseLapsed,
			[]event.Type{"activation.granted.v1"}},
		"suspended": {
			with(license.Suspended{}), noon, license.Validate{Machine: &first}, license.LicenseSuspended, []event.Type{license.SuspendedType},
		},
		"revoked": {with(license.Revoked{}), noon, license.Validate{}, license.LicenseRevoked, []event.Type{license.RevokedType}},
		"expired": {
			with(license.Expired{ExpiredAt: inAMonth}), inAMonth, license.Validate{}, license.LicenseExpired,
			[]event.Type{license.ExpiredType, license.IssuedType},
		},
		"expired unrecorded": {activated, inAMonth, license.Validate{}, license.LicenseExpired, []event.Type{license.IssuedType}},
		"expired after a renewal, unrecorded": {
			with(license.Renewed{ExpiresAt: inAMonth.Add(day)}), inAMonth.Add(day), license.Validate{}, license.LicenseExpired,
			[]event.Type{license.RenewedType},
		},
		"another product":    {activated, noon, license.Validate{Product: "cam"}, license.ProductMismatch, []event.Type{license.IssuedType}},
		"its product":        {activated, noon, license.Validate{Product: "cad"}, license.Valid, []event.Type{license.IssuedType}},
		"its product, by id": {activated, noon, license.Validate{Product: id(2).String()}, license.Valid, []event.Type{license.IssuedType}},
		"its product, by id in capitals": {
			activated, noon, license.Validate{Product: strings.ToUpper(id(2).String())}, license.Valid, []event.Type{license.IssuedType},
		},
		"a feature it has": {activated, noon, license.Validate{Entitlements: []string{"export", "tier"}}, license.Valid,
			[]event.Type{license.IssuedType}},
		"a feature switched off": {
			activated, noon, license.Validate{Entitlements: []string{"render"}}, license.EntitlementMissing, []event.Type{license.IssuedType},
		},
		"a feature it has not": {
			activated, noon, license.Validate{Entitlements: []string{"export", "simulate"}}, license.EntitlementMissing,
			[]event.Type{license.IssuedType},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdict := given(t, test.happened...).at(test.now).validated(test.ask)
			require.Equal(t, test.code, verdict.Code)
			var types []event.Type
			for _, ref := range verdict.DecidedBy {
				require.NotZero(t, ref.Position)
				types = append(types, ref.Type)
			}
			require.Equal(t, test.decided, types)
			require.Equal(t, test.code == license.Valid && test.ask.Machine != nil, verdict.Machine != nil)
		})
	}
}

func TestValidatingRecordsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	activated := []event.Payload{issued(), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day))}
	known, stranger := machineNo(1), machineNo(2)
	ask := license.Validate{Machine: &known, KeyID: keyID}
	given(t, activated...).when(ask).thenNothing()
	given(t, activated...).when(license.Validate{Machine: &stranger}).thenNothing()
	given(t, activated...).when(license.Validate{}).thenNothing()

	later := noon.Add(2 * day)
	given(t, activated...).at(later).when(ask).then(renewed(1, known, 1, later, later.Add(3*day)))
}

func TestValidatingALapsedLeaseDoesNotTakeASeat(t *testing.T) {
	t.Parallel()
	first := machineNo(1)
	given(t, issued(floating(60)), bound(1, first, 1, noon), granted(1, first, noon, noon.Add(time.Minute))).
		at(noon.Add(time.Hour)).
		when(license.Validate{Machine: &first}).
		thenNothing()
}

func TestValidatingADriftedMachineRecordsTheDrift(t *testing.T) {
	t.Parallel()
	before := machineWith(1, machine.Hashes{machine.CPU: {"c"}, machine.Disk: {"d"}, machine.Board: {"b"}})
	after := machineWith(2, machine.Hashes{machine.CPU: {"c"}, machine.Disk: {"x"}, machine.Board: {"b"}})
	s := given(t, issued(), bound(1, before, 1, noon), granted(1, before, noon, noon.Add(3*day))).
		when(license.Validate{Machine: &after, KeyID: keyID})
	require.NoError(t, s.err)
	require.IsType(t, binding.HardwareDrifted{}, s.events[0])
	require.Equal(t, renewed(1, after, 1, noon, noon.Add(3*day)), s.events[1])
}
