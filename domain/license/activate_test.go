package license_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestActivatingAMachineTakesASeatAndGrantsTheOfflineDays(t *testing.T) {
	t.Parallel()
	given(t, issued()).
		when(activate(1, machineNo(1))).
		then(bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day)))
}

func TestAnActivationNeverOutlivesItsLicense(t *testing.T) {
	t.Parallel()
	tomorrow := noon.Add(day)
	given(t, issued(expires(tomorrow))).
		when(activate(1, machineNo(1))).
		then(bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, tomorrow))
}

func TestActivatingTheSameMachineAgainTakesNoSeat(t *testing.T) {
	t.Parallel()
	given(t, issued(seats(1)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day))).
		at(noon.Add(time.Hour)).
		when(activate(2, machineNo(1))).
		thenNothing()
}

func TestAFullLicenseRefusesAnotherMachine(t *testing.T) {
	t.Parallel()
	given(t, issued(seats(1)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day))).
		when(activate(2, machineNo(2))).
		thenRefused(license.ErrSeatLimitReached)
}

func TestTheSeatLimitIsTheLeastOfProductPlanAndLicense(t *testing.T) {
	t.Parallel()
	few, fewer := 2, 1
	tests := map[string]struct {
		product, own *int
		plan, limit  int
	}{
		"plan alone":      {plan: 3, limit: 3},
		"product is less": {plan: 3, product: &few, limit: 2},
		"licence is less": {plan: 3, own: &fewer, limit: 1},
		"all three":       {plan: 3, product: &few, own: &fewer, limit: 1},
		"plan is least":   {plan: 1, product: &few, own: &few, limit: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := license.Policy{PlanMaxMachines: test.plan, ProductMaxMachines: test.product, LicenseMaxMachines: test.own}
			require.Equal(t, test.limit, policy.Seats())
		})
	}
}

func TestALicenseThatDoesNotPermitItRefusesToActivate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		happened []event.Payload
		expected error
	}{
		"suspended": {[]event.Payload{issued(), license.Suspended{Reason: "unpaid"}}, license.ErrSuspended},
		"revoked":   {[]event.Payload{issued(), license.Revoked{Reason: "fraud"}}, license.ErrRevoked},
		"expired":   {[]event.Payload{issued(expires(noon.Add(-day))), license.Expired{}}, license.ErrExpired},
		"expired to the second, though no event says so yet": {[]event.Payload{issued(expires(noon))}, license.ErrExpired},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, test.happened...).when(activate(1, machineNo(1))).thenRefused(test.expected)
		})
	}
}

func TestALicenseActivatesUntilTheLastMicrosecond(t *testing.T) {
	t.Parallel()
	given(t, issued(expires(noon.Add(time.Microsecond)))).
		when(activate(1, machineNo(1))).
		then(bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(time.Microsecond)))
}

func TestValidityThatBeginsWithTheFirstActivation(t *testing.T) {
	t.Parallel()
	expiry := noon.Add(2 * day)
	given(t, issued(validFromFirstActivation(2))).
		when(activate(1, machineNo(1))).
		then(license.ValidityStarted{StartedAt: noon, ExpiresAt: expiry}, bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, expiry))

	given(t, issued(validFromFirstActivation(2)), license.ValidityStarted{StartedAt: noon, ExpiresAt: expiry}).
		at(noon.Add(time.Hour)).
		when(activate(2, machineNo(2))).
		then(bound(2, machineNo(2), 1, noon.Add(time.Hour)), granted(2, machineNo(2), noon.Add(time.Hour), expiry))
}

func TestAMachineWithLittleTimeLeftGetsAFreshCertificate(t *testing.T) {
	t.Parallel()
	later := noon.Add(36*time.Hour + time.Second)
	given(t, issued(), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day))).
		at(later).
		when(activate(2, machineNo(1))).
		then(renewed(1, machineNo(1), 1, later, later.Add(3*day)))
}

func TestACertificateThatEndsWithTheLicenseIsNotRenewedInVain(t *testing.T) {
	t.Parallel()
	tomorrow := noon.Add(day)
	given(t, issued(expires(tomorrow)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, tomorrow)).
		at(noon.Add(23 * time.Hour)).
		when(activate(2, machineNo(1))).
		thenNothing()
}

func TestAMachineWhoseHardwareChangedALittleIsTheSame(t *testing.T) {
	t.Parallel()
	before := machineWith(1, machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d1"}})
	after := machineWith(2, machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d2"}})
	given(t, issued(seats(1)), bound(1, before, 1, noon), granted(1, before, noon, noon.Add(3*day))).
		when(activate(2, after)).
		then(
			binding.HardwareDrifted{
				BindingID: bindingID(1), PreviousFingerprint: before.Fingerprint, Fingerprint: after.Fingerprint,
				Components: after.Hashes, Matched: 2, Compared: 3, Changed: []machine.Kind{machine.Disk}, DriftedAt: noon,
			},
			renewed(1, after, 1, noon, noon.Add(3*day)),
		)
}

func TestHowMuchHardwareMayChangeIsThePlansChoice(t *testing.T) {
	t.Parallel()
	before := machineWith(1, machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d1"}, machine.MAC: {"m1", "m2"}})
	one := machineWith(2, machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b2"}, machine.Disk: {"d2"}, machine.MAC: {"m3"}})
	two := machineWith(3, machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d2"}, machine.MAC: {"m3"}})
	three := machineWith(4, machine.Hashes{machine.CPU: {"c1"}, machine.Board: {"b1"}, machine.Disk: {"d2"}, machine.MAC: {"m2"}})
	none := machineWith(5, machine.Hashes{machine.CPU: {"c9"}})
	tests := map[string]struct {
		policy machine.Match
		now    machine.Machine
		same   bool
	}{
		"ANY takes one":     {machine.MatchAny, one, true},
		"ANY wants one":     {machine.MatchAny, none, false},
		"TWO wants two":     {machine.MatchTwo, one, false},
		"TWO takes two":     {machine.MatchTwo, two, true},
		"MOST wants a half": {machine.MatchMost, two, false},
		"MOST takes more":   {machine.MatchMost, three, true},
		"ALL wants all":     {machine.MatchAll, three, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := given(t, issued(seats(1), match(test.policy)), bound(1, before, 1, noon), granted(1, before, noon, noon.Add(3*day))).
				when(activate(2, test.now))
			if !test.same {
				s.thenRefused(license.ErrSeatLimitReached)
				return
			}
			require.NoError(t, s.err)
			require.IsType(t, binding.HardwareDrifted{}, s.events[0])
		})
	}
}

func TestAMachineIsTakenForItsBestMatch(t *testing.T) {
	t.Parallel()
	near := machineWith(1, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b1"}, machine.Disk: {"d1"}})
	nearer := machineWith(2, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b2"}, machine.Disk: {"d2"}})
	now := machineWith(3, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b2"}, machine.Disk: {"d9"}})
	s := given(t, issued(match(machine.MatchAny)),
		bound(1, near, 1, noon), granted(1, near, noon, inAMonth), bound(2, nearer, 2, noon), granted(2, nearer, noon, inAMonth)).
		when(activate(3, now))
	require.NoError(t, s.err)
	require.Equal(t, bindingID(2), s.events[0].(binding.HardwareDrifted).BindingID)
}

func TestOfEquallyGoodMatchesTheOneBoundFirstIsTaken(t *testing.T) {
	t.Parallel()
	older := machineWith(1, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b1"}})
	younger := machineWith(2, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b2"}})
	now := machineWith(3, machine.Hashes{machine.CPU: {"c"}, machine.Board: {"b3"}})
	s := given(t, issued(match(machine.MatchAny)),
		bound(2, younger, 1, noon.Add(-time.Hour)), granted(2, younger, noon, inAMonth),
		bound(1, older, 2, noon.Add(-2*time.Hour)), granted(1, older, noon, inAMonth)).
		when(activate(3, now))
	require.NoError(t, s.err)
	require.Equal(t, bindingID(1), s.events[0].(binding.HardwareDrifted).BindingID)
}

func TestALeaseThatRanOutFreesItsSeatForTheNextMachine(t *testing.T) {
	t.Parallel()
	end := noon.Add(time.Minute)
	given(t, issued(seats(1), floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end)).
		at(end).
		when(activate(2, machineNo(2))).
		then(lapsed(1, 0, end), bound(2, machineNo(2), 1, end), leased(granted(2, machineNo(2), end, end.Add(time.Minute))))
}

func TestALeaseHoldsItsSeatUntilItRunsOut(t *testing.T) {
	t.Parallel()
	end := noon.Add(time.Minute)
	given(t, issued(seats(1), floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end)).
		at(end.Add(-time.Microsecond)).
		when(activate(2, machineNo(2))).
		thenRefused(license.ErrSeatLimitReached)
}

func TestANodeLockedActivationKeepsItsSeatWithoutContact(t *testing.T) {
	t.Parallel()
	given(t, issued(seats(1)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day))).
		at(noon.Add(300 * day)).
		when(activate(2, machineNo(2))).
		thenRefused(license.ErrSeatLimitReached)
}

func TestALapsedMachineTakesASeatAgainIfOneIsFree(t *testing.T) {
	t.Parallel()
	end := noon.Add(time.Minute)
	happened := []event.Payload{issued(seats(1), floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end),
		lapsed(1, 0, end)}
	given(t, happened...).at(end).when(activate(9, machineNo(1))).
		then(leased(renewed(1, machineNo(1), 1, end, end.Add(time.Minute))))

	happened = append(happened, bound(2, machineNo(2), 1, end), granted(2, machineNo(2), end, end.Add(time.Minute)))
	given(t, happened...).at(end).when(activate(9, machineNo(1))).
		thenRefused(license.ErrSeatLimitReached)
}

func TestActivationsOfALicenseThatDoesNotExistAreRefused(t *testing.T) {
	t.Parallel()
	given(t).when(activate(1, machineNo(1))).thenRefused(license.ErrNotFound)
}

func TestEveryEventOfActivationsBelongsToTheStream(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth))
	held, found := s.ByBinding(bindingID(1))
	require.True(t, found)
	require.Equal(t, activation.StatusActive, held.Activation.Status)
	require.Equal(t, event.Position(103), held.Activation.CertificateEvent.Position)
	require.Equal(t, 1, s.SeatsUsed())
}
