package commands_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// rush lets machines 1 to n ask for a seat at once, each through one of the handlers, and returns how many got one.
func (o *fixture) rush(n int, key string, handlers ...*commands.Handler) int {
	o.t.Helper()
	var all sync.WaitGroup
	var granted, broken atomic.Int64
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			a, err := handlers[i%len(handlers)].Activation.ActivateMachine(o.machine(), runtime.Request{},
				activation.ActivateMachine{LicenseKey: o.key(key), Machine: machineNo(i + 1)})
			switch {
			case err == nil && a.New && a.Certificate != "":
				granted.Add(1)
			case !errors.Is(err, license.ErrSeatLimitReached):
				broken.Add(1)
				o.t.Errorf("machine %d: %+v %v", i+1, a, err)
			}
		})
	}
	close(start)
	all.Wait()
	require.Zero(o.t, broken.Load())
	return int(granted.Load())
}

// requireSeats replays a licence and expects as many seats to be taken.
func (o *fixture) requireSeats(key string, used int) {
	o.t.Helper()
	verdict, err := o.handler(o.store, 10).Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(key)})
	require.NoError(o.t, err)
	require.Equal(o.t, used, verdict.License.SeatsUsed())
}

func TestAHundredMachinesShareTenSeats(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(10))
	require.Equal(t, 10, o.rush(100, issued.Key, o.Handler))
	o.requireSeats(issued.Key, 10)
}

func TestInstancesThatRaceForSeatsNeverGiveOutTooMany(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(10))
	one, two := o.handler(o.store, 10), o.handler(o.store, 10)
	require.Equal(t, 10, o.rush(60, issued.Key, one, two))
	o.requireSeats(issued.Key, 10)
}

func TestACommandThatComesTooLateIsDecidedAnew(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1))
	behind := o.handler(o.store, 10)
	_, err := behind.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key)})
	require.NoError(t, err, "it has the licence cached now, with a free seat")
	o.activate(issued.Key, 1)
	head := o.head()

	_, err = behind.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(2)})
	require.ErrorIs(t, err, license.ErrSeatLimitReached)
	same, err := behind.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
	require.NoError(t, err)
	require.False(t, same.New)
	require.Equal(t, head, o.head())

	o.suspend(issued.ID)
	reissued, err := behind.Licensing.ReissueKey(o.admin(vendor), runtime.Request{},
		licensing.ReissueKey{LicenseID: issued.ID, Reason: "leaked"})
	require.NoError(t, err)
	require.Equal(t, license.StatusSuspended, reissued.Status(), "what the other instance did is there")
	require.Equal(t, event.Revision(5), reissued.Revision)
}

func TestARepetitionSentToAnotherInstanceHasOneEffect(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	behind := o.handler(o.store, 10)
	_, err := behind.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key)})
	require.NoError(t, err)
	ask := activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)}
	first, err := o.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.NoError(t, err)
	again, err := behind.Activation.ActivateMachine(o.machine(), keyed("activate"), ask)
	require.NoError(t, err)
	require.True(t, again.Replayed)
	again.Replayed = false
	require.Equal(t, first, again)
}

func TestTheSameCommandSentAtOnceHasOneEffect(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	plan := o.plan(vendor)
	before := o.head()
	other := o.handler(o.store, 10)
	var all sync.WaitGroup
	issued := make([]licensing.IssuedLicense, 20)
	errs := make([]error, len(issued))
	for i := range issued {
		h := []*commands.Handler{o.Handler, other}[i%2]
		all.Go(func() { issued[i], errs[i] = h.Licensing.IssueLicense(o.admin(vendor), keyed("order"), order(plan)) })
	}
	all.Wait()
	originals := 0
	for i := range issued {
		require.NoError(t, errs[i])
		require.Equal(t, issued[0].Key, issued[i].Key)
		if !issued[i].Replayed {
			originals++
		}
	}
	require.Equal(t, 1, originals)
	require.Equal(t, []event.Type{license.IssuedType}, o.typesAfter(before))
}

func TestASmallCacheChangesNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	small := o.handler(o.store, 1)
	var issued []licensing.IssuedLicense
	for range 5 {
		issued = append(issued, o.issue(seats(2)))
	}
	for round := range 3 {
		for _, i := range issued {
			a, err := small.Activation.ActivateMachine(o.machine(), runtime.Request{},
				activation.ActivateMachine{LicenseKey: o.key(i.Key), Machine: machineNo(round + 1)})
			if round == 2 {
				require.ErrorIs(t, err, license.ErrSeatLimitReached)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, activation.Seats{Used: round + 1, Limit: 2}, a.Seats)
			m := machineNo(round + 1)
			verdict, err := small.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(i.Key), Machine: &m})
			require.NoError(t, err)
			require.Equal(t, a.Certificate, verdict.Activation.Certificate)
		}
	}
	var all sync.WaitGroup
	for _, i := range issued {
		for n := range 10 {
			all.Go(func() {
				m := machineNo(n%2 + 1)
				verdict, err := small.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(i.Key), Machine: &m})
				if err != nil || verdict.Code != license.Valid {
					t.Errorf("%v %v", verdict.Code, err)
				}
			})
		}
	}
	all.Wait()
}
