package license_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// move rebinds binding 1 to a machine, whose new activation is number 2.
func move(to machine.Machine) license.RebindMachine {
	return license.RebindMachine{BindingID: bindingID(1), Machine: to, Reason: "new laptop", ActivationID: activationID(2), KeyID: keyID}
}

func rebound(from, to machine.Machine, count, seatsUsed int, at time.Time) binding.MachineRebound {
	return binding.MachineRebound{
		BindingID: bindingID(1), PreviousFingerprint: from.Fingerprint, Fingerprint: to.Fingerprint, Components: to.Hashes, OS: to.OS,
		Reason: "new laptop", RebindsInWindow: count, SeatsUsed: seatsUsed, ReboundAt: at,
	}
}

func regranted(to machine.Machine, at, until time.Time) activation.Granted {
	return activation.Granted{
		ActivationID: activationID(2), BindingID: bindingID(1), Fingerprint: to.Fingerprint, KeyID: keyID, GrantedAt: at, ExpiresAt: until,
	}
}

func TestRebindingMovesTheSeatAtOnce(t *testing.T) {
	t.Parallel()
	happened := []event.Payload{issued(seats(1)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(3*day))}
	s := given(t, happened...).when(move(machineNo(2)))
	s.then(ended(1, "new laptop", noon), rebound(machineNo(1), machineNo(2), 1, 1, noon), regranted(machineNo(2), noon, noon.Add(3*day)))

	moved := fold(t, s.stream, s.events...)
	require.Equal(t, 1, moved.SeatsUsed())
	_, found := moved.ByActivation(activationID(1))
	require.False(t, found, "the old activation is over")
	held, found := moved.Find(machineNo(2))
	require.True(t, found)
	require.Equal(t, activationID(2), held.Activation.ID)
	_, found = moved.Find(machineNo(1))
	require.False(t, found, "the old machine has no place any more")
}

func TestRebindsAreCountedWithinTheWindow(t *testing.T) {
	t.Parallel()
	first := noon.Add(-29 * day)
	happened := []event.Payload{
		issued(rebinds(1)), bound(1, machineNo(1), 1, first), granted(1, machineNo(1), first, inAMonth),
		ended(1, "new laptop", first), rebound(machineNo(1), machineNo(2), 1, 1, first), regranted(machineNo(2), first, inAMonth),
	}
	given(t, happened...).when(move(machineNo(3))).thenRefused(license.ErrRebindLimitReached)

	s := given(t, happened...).at(first.Add(30 * day)).when(move(machineNo(3)))
	require.NoError(t, s.err)
	require.Equal(t, 1, s.events[1].(binding.MachineRebound).RebindsInWindow, "the first one left the window")
}

func TestAPlanMayForbidRebinding(t *testing.T) {
	t.Parallel()
	given(t, issued(rebinds(0)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth)).
		when(move(machineNo(2))).
		thenRefused(license.ErrRebindLimitReached)
}

func TestRebindingIsRefused(t *testing.T) {
	t.Parallel()
	activated := []event.Payload{
		issued(seats(2)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth), bound(7, machineNo(7), 2, noon),
		granted(7, machineNo(7), noon, inAMonth),
	}
	elsewhere := move(machineNo(2))
	elsewhere.BindingID = bindingID(3)
	tests := map[string]struct {
		further  []event.Payload
		move     license.RebindMachine
		expected error
	}{
		"to a machine that has a seat":  {nil, move(machineNo(7)), license.ErrMachineAlreadyBound},
		"to the machine it is bound to": {nil, move(machineNo(1)), license.ErrMachineAlreadyBound},
		"of an unknown binding":         {nil, elsewhere, license.ErrBindingNotFound},
		"under a revoked licence":       {[]event.Payload{license.Revoked{}}, move(machineNo(2)), license.ErrRevoked},
		"of a released machine": {
			[]event.Payload{ended(1, "sold", noon), released(1, "sold", 1, noon)}, move(machineNo(2)), license.ErrBindingNotFound,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, append(activated[:len(activated):len(activated)], test.further...)...).when(test.move).thenRefused(test.expected)
		})
	}
}

func TestALapsedMachineIsReboundOnlyWhenASeatIsFree(t *testing.T) {
	t.Parallel()
	end := noon.Add(time.Minute)
	happened := []event.Payload{issued(seats(1), floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end)}
	given(t, happened...).at(end).when(move(machineNo(2))).then(
		lapsed(1, 0, end), ended(1, "new laptop", end), rebound(machineNo(1), machineNo(2), 0, 1,
			end), leased(regranted(machineNo(2), end, end.Add(time.Minute))))

	taken := slices.Concat(happened,
		[]event.Payload{lapsed(1, 0, end), bound(3, machineNo(3), 1, end), granted(3, machineNo(3), end, end.Add(time.Minute))})
	given(t, taken...).at(end).when(move(machineNo(2))).thenRefused(license.ErrSeatLimitReached)
}

func TestDeactivatingFreesTheSeat(t *testing.T) {
	t.Parallel()
	activated := []event.Payload{issued(seats(1)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth)}
	s := given(t, activated...).when(deactivate(1))
	s.then(ended(1, "sold the machine", noon), released(1, "sold the machine", 0, noon))

	freed := fold(t, s.stream, s.events...)
	require.Zero(t, freed.SeatsUsed())
	_, found := freed.Find(machineNo(1))
	require.False(t, found)
	decided, err := freed.Decide(activate(2, machineNo(2)), noon)
	require.NoError(t, err)
	require.Len(t, decided, 2)
}

func TestDeactivatingALapsedMachineFreesNoSeatTwice(t *testing.T) {
	t.Parallel()
	end := noon.Add(time.Minute)
	given(t, issued(seats(2), floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end), lapsed(1, 0, end)).
		at(end).
		when(deactivate(1)).
		then(ended(1, "sold the machine", end), released(1, "sold the machine", 0, end))
}

func TestDeactivatingWorksUnderARevokedLicense(t *testing.T) {
	t.Parallel()
	given(t, issued(), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth), license.Revoked{}).
		when(deactivate(1)).
		then(ended(1, "sold the machine", noon), released(1, "sold the machine", 0, noon))
}

func TestDeactivatingAnUnknownActivationIsRefused(t *testing.T) {
	t.Parallel()
	given(t, issued()).when(deactivate(1)).thenRefused(license.ErrActivationNotFound)
}
