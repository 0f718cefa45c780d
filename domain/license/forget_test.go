package license_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

const forgottenReason = "forgotten: its lease ran out long ago"

// passing lets machines from to until come to a licence, one a minute, each for the time of its lease, and returns it after them with the
// time that it is then.
func passing(t *testing.T, s *license.Stream, from, until int) (*license.Stream, time.Time) {
	t.Helper()
	now := noon
	for n := from; n <= until; n++ {
		now = noon.Add(time.Duration(n) * time.Minute)
		decided, err := s.Decide(activate(n, machineNo(n)), now)
		require.NoError(t, err)
		s = fold(t, s, decided...)
	}
	return s, now.Add(time.Minute)
}

// held counts the machines that a licence knows, of those from 1 to n.
func held(s *license.Stream, n int) (known int) {
	for i := 1; i <= n; i++ {
		if _, found := s.ByBinding(bindingID(i)); found {
			known++
		}
	}
	return known
}

func TestALicenseKnowsNoMoreLapsedMachinesThanItHasSeats(t *testing.T) {
	t.Parallel()
	for seatsOf, known := range map[int]int{1: 100, 100: 100, 150: 150} {
		s, _ := passing(t, fold(t, nil, issued(seats(seatsOf), floating(60))), 1, 400)
		require.InDelta(t, known, held(s, 400), 1, "%d seats", seatsOf)
		_, found := s.ByBinding(bindingID(400))
		require.True(t, found, "the latest is known")
		require.LessOrEqual(t, s.SeatsUsed(), 1)
	}
}

func TestTheMachineWhoseLeaseRanOutFirstIsForgottenFirst(t *testing.T) {
	t.Parallel()
	s, now := passing(t, fold(t, nil, issued(seats(1), floating(60))), 1, 100)
	decided, err := s.Decide(activate(101, machineNo(101)), now)
	require.NoError(t, err)
	require.Equal(t, []event.Payload{
		lapsed(100, 0, now),
		ended(1, forgottenReason, now), released(1, forgottenReason, 0, now),
		bound(101, machineNo(101), 1, now), leased(granted(101, machineNo(101), now, now.Add(time.Minute))),
	}, decided)
}

func TestAForgottenMachineThatComesBackIsANewOne(t *testing.T) {
	t.Parallel()
	s, now := passing(t, fold(t, nil, issued(seats(1), floating(60))), 1, 150)
	_, err := s.Decide(beat(1, machineNo(1)), now)
	require.ErrorIs(t, err, license.ErrActivationNotFound)
	decided, err := s.Decide(activate(500, machineNo(1)), now)
	require.NoError(t, err)
	s = fold(t, s, decided...)
	require.Equal(t, 1, s.SeatsUsed())
	_, found := s.ByBinding(bindingID(500))
	require.True(t, found)
}

func TestALapsedMachineIsForgottenAfter90Days(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(seats(5), floating(60)),
		bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, noon.Add(time.Minute)), lapsed(1, 0, noon.Add(time.Minute)))
	forgets := func(at time.Time) (forgets bool) {
		decided, err := s.Decide(activate(2, machineNo(2)), at)
		require.NoError(t, err)
		_, forgets = decided[min(1, len(decided)-1)].(binding.MachineReleased)
		return forgets
	}
	require.False(t, forgets(noon.Add(90*day)))
	require.True(t, forgets(noon.Add(90*day+time.Minute)))
}

// A licence of a version that forgot nothing may know very many.
func TestACommandForgetsOnlySoMany(t *testing.T) {
	t.Parallel()
	happened := []event.Payload{issued(seats(1), floating(60))}
	for n := 1; n <= 1000; n++ {
		end := noon.Add(time.Duration(n) * time.Minute)
		happened = append(happened, bound(n, machineNo(n), 1, noon), granted(n, machineNo(n), noon, end), lapsed(n, 0, end))
	}
	s := fold(t, nil, happened...)
	for n := 1001; n <= 1150; n++ {
		now := noon.Add(time.Duration(n) * 2 * time.Minute)
		decided, err := s.Decide(activate(n, machineNo(n)), now)
		require.NoError(t, err)
		require.LessOrEqual(t, len(decided), 1+2*10+2)
		s = fold(t, s, decided...)
	}
	require.LessOrEqual(t, held(s, 1150), 101)
}

func TestANodeLockedLicenseForgetsNobody(t *testing.T) {
	t.Parallel()
	happened := []event.Payload{issued(seats(1000))}
	for n := 1; n <= 300; n++ {
		happened = append(happened, bound(n, machineNo(n), n, noon), granted(n, machineNo(n), noon, noon.Add(time.Minute)))
	}
	given(t, happened...).at(noon.Add(10*day)).when(activate(301, machineNo(301))).
		then(bound(301, machineNo(301), 301, noon.Add(10*day)), granted(301, machineNo(301), noon.Add(10*day), noon.Add(13*day)))
}
