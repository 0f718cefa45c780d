package license_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
)

// loop lets a machine take a seat and leave it, over and over, until it is refused, and returns how often it took it.
func loop(t *testing.T, s *license.Stream, at time.Time) (*license.Stream, int) {
	t.Helper()
	for n := 1; ; n++ {
		taken, err := s.Decide(activate(n, machineNo(1)), at)
		if err != nil {
			require.ErrorIs(t, err, license.ErrDailyLimitReached)
			return s, n - 1
		}
		s = fold(t, s, taken...)
		left, err := s.Decide(deactivate(n), at)
		require.NoError(t, err)
		s = fold(t, s, left...)
	}
}

func TestWhoeverHoldsTheKeyCausesOnlySoManyEventsADay(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string][]change{
		"node-locked": {seats(2), dailyActivations(5)},
		"floating":    {seats(2), dailyActivations(5), floating(60)},
		"by default":  {seats(1)},
	} {
		s := fold(t, nil, issued(terms...))
		expected := 10
		if name == "by default" {
			expected = catalog.DefaultDailyActivations
		}
		s, taken := loop(t, s, noon)
		require.Equal(t, expected, taken, name)
		s, taken = loop(t, s, noon.Add(12*time.Hour-time.Microsecond))
		require.Zero(t, taken, "%s: the day is not over", name)
		s, taken = loop(t, s, noon.Add(12*time.Hour))
		require.Equal(t, expected, taken, "%s: a day later", name)
		_, taken = loop(t, s, noon.Add(12*time.Hour))
		require.Zero(t, taken, name)
	}
}

func TestARebindTakesASeatOfTheDayUnlessAnOperatorAsks(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(seats(1), dailyActivations(3)), bound(1, machineNo(1), 1, noon), granted(1, machineNo(1), noon, inAMonth))
	for n := 2; n <= 3; n++ {
		decided, err := s.Decide(toMachine(n), noon)
		require.NoError(t, err)
		s = fold(t, s, decided...)
	}
	_, err := s.Decide(toMachine(4), noon)
	require.ErrorIs(t, err, license.ErrDailyLimitReached)
	byOperator := toMachine(4)
	byOperator.ByOperator = true
	for range 2 {
		decided, err := s.Decide(byOperator, noon)
		require.NoError(t, err)
		s = fold(t, s, decided...)
		byOperator.Machine, byOperator.ActivationID = machineNo(5), activationID(5)
	}
}

func TestAMachineThatHasASeatIsNotLimited(t *testing.T) {
	t.Parallel()
	s := fold(t, nil, issued(seats(1), dailyActivations(1), floating(60)))
	for n := range 100 {
		decided, err := s.Decide(activate(1, machineNo(1)), noon.Add(time.Duration(n)*time.Minute))
		require.NoError(t, err)
		s = fold(t, s, decided...)
	}
}

// toMachine rebinds binding 1 to a machine.
func toMachine(n int) license.RebindMachine {
	return license.RebindMachine{BindingID: bindingID(1), Machine: machineNo(n), Reason: "broken", ActivationID: activationID(n), KeyID: keyID}
}

// A clock that ran a year ahead must not close a licence for a year once it is right again.
func TestAfterAWrongClockWasCorrectedTheDayBeginsAnew(t *testing.T) {
	t.Parallel()
	s, taken := loop(t, fold(t, nil, issued(seats(1), dailyActivations(5))), noon.Add(365*day))
	require.Equal(t, 5, taken)
	s, taken = loop(t, s, noon)
	require.Equal(t, 5, taken)
	_, taken = loop(t, s, noon.Add(day))
	require.Equal(t, 5, taken)
}
