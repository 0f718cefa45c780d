package license_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

func TestAHeartbeatIsRecordedOnlyWhenLessThanHalfOfTheLeaseIsLeft(t *testing.T) {
	t.Parallel()
	happened := []event.Payload{issued(floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(time.Minute))}
	given(t, happened...).at(noon.Add(30 * time.Second)).when(beat(1, machineNo(1))).thenNothing()

	late := noon.Add(31 * time.Second)
	given(t, happened...).at(late).when(beat(1, machineNo(1))).then(leased(renewed(1, machineNo(1), 1, late, late.Add(time.Minute))))
}

func TestALateHeartbeatTakesASeatAgain(t *testing.T) {
	t.Parallel()
	end, late := noon.Add(time.Minute), noon.Add(time.Hour)
	given(t, issued(floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end)).
		at(late).
		when(beat(1, machineNo(1))).
		then(lapsed(1, 0, end), leased(renewed(1, machineNo(1), 1, late, late.Add(time.Minute))))
}

func TestALateHeartbeatIsRefusedWhenTheSeatIsTaken(t *testing.T) {
	t.Parallel()
	end, late := noon.Add(time.Minute), noon.Add(2*time.Minute)
	given(t, issued(seats(1), floating(60)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, end),
		lapsed(1, 0, end), bound(2, machineNo(2), 1, late), granted(2, machineNo(2), late, late.Add(time.Minute))).
		at(late).
		when(beat(1, machineNo(1))).
		thenRefused(license.ErrSeatLimitReached)
}

func TestHeartbeatsAreRefused(t *testing.T) {
	t.Parallel()
	activated := []event.Payload{issued(), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth)}
	tests := map[string]struct {
		further  []event.Payload
		beat     license.Heartbeat
		expected error
	}{
		"of an unknown activation":  {nil, beat(2, machineNo(1)), license.ErrActivationNotFound},
		"from another machine":      {nil, beat(1, machineNo(2)), license.ErrFingerprintMismatch},
		"under a suspended licence": {[]event.Payload{license.Suspended{}}, beat(1, machineNo(1)), license.ErrSuspended},
		"after the activation's end": {
			[]event.Payload{ended(1, "sold", noon), released(1, "sold", 0, noon)}, beat(1, machineNo(1)), license.ErrActivationNotFound,
		},
		"for the neighbour's activation": {
			[]event.Payload{bound(2, machineNo(2), 2, noon), granted(2, machineNo(2), noon, inAMonth)}, beat(1, machineNo(2)),
			license.ErrFingerprintMismatch,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			given(t, append(activated[:len(activated):len(activated)], test.further...)...).when(test.beat).thenRefused(test.expected)
		})
	}
}

func TestTimeBringsLapsesAndExpiryInOrder(t *testing.T) {
	t.Parallel()
	first, second, expiry := noon.Add(time.Minute), noon.Add(2*time.Minute), noon.Add(3*time.Minute)
	s := fold(t, nil, issued(floating(60), expires(expiry)),
		bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, second), bound(2, machineNo(2), 2, noon), granted(2,
			machineNo(2), noon, first))

	require.Empty(t, s.Due(first.Add(-time.Microsecond)))
	require.Equal(t, []event.Payload{lapsed(2, 1, first)}, s.Due(first))
	all := []event.Payload{lapsed(2, 1, first), lapsed(1, 0, second), license.Expired{ExpiredAt: expiry}}
	require.Equal(t, all, s.Due(expiry))

	current := s.AsOf(expiry)
	require.Equal(t, license.StatusExpired, current.Status())
	require.Zero(t, current.SeatsUsed())
	require.Equal(t, 2, s.SeatsUsed(), "settling leaves the stream as it is")
	require.Empty(t, fold(t, s, all...).Due(expiry.Add(time.Hour)), "what is recorded is not due again")
}

func TestALeaseMayOutliveALicenseWhoseExpiryWasBroughtForward(t *testing.T) {
	t.Parallel()
	before, expiry, after := noon.Add(time.Minute), noon.Add(2*time.Minute), noon.Add(3*time.Minute)
	s := fold(t, nil, issued(floating(180), expires(inAMonth)),
		bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, after), bound(2, machineNo(2), 2, noon),
		granted(2, machineNo(2), noon, before),
		license.Renewed{Reason: "cut short", ExpiresAt: expiry})
	require.Equal(t, []event.Payload{lapsed(2, 1, before), license.Expired{ExpiredAt: expiry}, lapsed(1, 0, after)}, s.Due(after))
	require.Equal(t, []event.Payload{lapsed(2, 1, before), license.Expired{ExpiredAt: expiry}}, s.Due(expiry))
	require.Equal(t, []event.Payload{lapsed(1, 0, after)}, fold(t, s, s.Due(expiry)...).Due(after))
}

func TestALeaseThatEndsWithItsLicenseLapsesBeforeIt(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(floating(180), expires(inAMonth)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth))
	require.Equal(t, []event.Payload{lapsed(1, 0, inAMonth), license.Expired{ExpiredAt: inAMonth}}, s.Due(inAMonth))
}

func TestNothingBecomesDueOnARevokedLicense(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(expires(inAMonth)), license.Revoked{Reason: "fraud"})
	require.Empty(t, s.Due(inAMonth.Add(day)))
	require.Equal(t, license.StatusRevoked, s.AsOf(inAMonth.Add(day)).Status())
}
