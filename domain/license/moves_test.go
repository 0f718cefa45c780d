package license_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// box is a machine of three parts.
func box(cpu, board, disk string) machine.Machine {
	return known(machine.Hashes{machine.CPU: {cpu}, machine.Board: {board}, machine.Disk: {disk}})
}

// life is a licence that is used: what is asked is recorded.
type life struct {
	t      *testing.T
	stream *license.Stream
	now    time.Time
	ids    int
}

func begin(t *testing.T, changes ...change) *life {
	return &life{t: t, stream: fold(t, nil, issued(changes...)), now: noon}
}

func (l *life) ask(c license.Command) ([]event.Payload, error) {
	l.t.Helper()
	decided, err := l.stream.Decide(c, l.now)
	if err == nil {
		l.stream = fold(l.t, l.stream, decided...)
	}
	return decided, err
}

func (l *life) activate(m machine.Machine) ([]event.Payload, error) {
	l.t.Helper()
	l.ids++
	return l.ask(activate(l.ids, m))
}

func (l *life) mustActivate(m machine.Machine) []event.Payload {
	l.t.Helper()
	decided, err := l.activate(m)
	require.NoError(l.t, err)
	return decided
}

func (l *life) release(m machine.Machine, byOperator bool) {
	l.t.Helper()
	held, found := l.stream.Find(m)
	require.True(l.t, found)
	_, err := l.ask(license.Deactivate{ActivationID: held.Activation.ID, Reason: "sold", ByOperator: byOperator})
	require.NoError(l.t, err)
}

func (l *life) rebind(from, to machine.Machine, byOperator bool) error {
	l.t.Helper()
	held, found := l.stream.Find(from)
	require.True(l.t, found)
	l.ids++
	_, err := l.ask(license.RebindMachine{
		BindingID: held.Binding.ID, Machine: to, Reason: "new laptop", ActivationID: activationID(l.ids), ByOperator: byOperator,
	})
	return err
}

// TestEveryWayToAnotherMachineIsAMove states the rule: whatever leads to another machine in a seat counts, and where none is allowed, none
// is possible.
func TestEveryWayToAnotherMachineIsAMove(t *testing.T) {
	t.Parallel()
	first, between, second := box("c1", "b1", "d1"), box("c1", "b1", "d2"), box("c1", "b2", "d2")
	ways := map[string]func(l *life) error{
		"rebind": func(l *life) error { return l.rebind(first, second, false) },
		"hardware that changes step by step": func(l *life) error {
			l.mustActivate(between)
			_, err := l.activate(second)
			return err
		},
		"release, then another machine": func(l *life) error {
			l.release(first, false)
			_, err := l.activate(second)
			return err
		},
		"release, return changed, release, then another machine": func(l *life) error {
			l.release(first, false)
			l.mustActivate(between)
			l.release(between, false)
			_, err := l.activate(second)
			return err
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for limit := range 3 {
				l := begin(t, seats(1), rebinds(limit))
				l.mustActivate(first)
				err := way(l)
				verdict := l.stream.Verdict(license.Validate{Machine: &second}, l.now).Code
				if limit == 0 {
					require.Error(t, err)
					require.NotEqual(t, license.Valid, verdict)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, license.Valid, verdict)
				require.Len(t, l.stream.Moves, 1)
			}
		})
	}
}

func TestAMachineThatChangedIntoAnotherOneIsNotKnownWhereItMustNotMove(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1), rebinds(0))
	l.mustActivate(box("c1", "b1", "d1"))
	l.mustActivate(box("c1", "b1", "d2"))
	other := box("c1", "b2", "d2")
	require.Equal(t, license.FingerprintMismatch, l.stream.Verdict(license.Validate{Machine: &other}, l.now).Code)
	_, err := l.activate(other)
	require.ErrorIs(t, err, license.ErrSeatLimitReached)
	_, err = l.ask(license.Heartbeat{ActivationID: activationID(1), Machine: other})
	require.ErrorIs(t, err, license.ErrFingerprintMismatch)
	require.ErrorIs(t, l.rebind(box("c1", "b1", "d2"), other, false), license.ErrRebindLimitReached)
	require.NoError(t, l.rebind(box("c1", "b1", "d2"), other, true))
}

func TestASeatThatNobodyLeftIsNoMove(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(3), rebinds(0))
	l.mustActivate(machineNo(1))
	l.mustActivate(machineNo(2))
	l.release(machineNo(1), false)
	l.mustActivate(machineNo(3))
	_, err := l.activate(machineNo(4))
	require.ErrorIs(t, err, license.ErrRebindLimitReached, "the seat that is left is that of machine 1")
	decided := l.mustActivate(machineNo(1))
	require.Equal(t, new(bindingID(1)), decided[0].(binding.MachineBound).Replaces)
	require.Empty(t, l.stream.Moves, "a machine that comes back has not moved")
}

func TestAReleasedSeatIsAMoveHoweverLateItIsTaken(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1), rebinds(0))
	l.mustActivate(machineNo(1))
	l.release(machineNo(1), false)
	l.now = noon.Add(1000 * day)
	_, err := l.activate(machineNo(2))
	require.ErrorIs(t, err, license.ErrRebindLimitReached)
}

func TestMovesLeaveTheWindow(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1), rebinds(1))
	l.mustActivate(machineNo(1))
	for n := range 3 {
		l.release(machineNo(n+1), false)
		bound := l.mustActivate(machineNo(n + 2))[0].(binding.MachineBound)
		require.Equal(t, 1, bound.RebindsInWindow)
		l.now = l.now.Add(30 * day)
	}
}

func TestACooldownLiesBetweenTwoMoves(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1), cooldown(3600))
	l.mustActivate(machineNo(1))
	require.NoError(t, l.rebind(machineNo(1), machineNo(2), false), "the first move needs no waiting")
	l.now = noon.Add(time.Hour - time.Microsecond)
	err := l.rebind(machineNo(2), machineNo(3), false)
	require.ErrorIs(t, err, license.ErrRebindLimitReached)
	require.ErrorContains(t, err, noon.Add(time.Hour).Format(time.RFC3339))
	l.now = noon.Add(time.Hour)
	require.NoError(t, l.rebind(machineNo(2), machineNo(3), false))
}

func TestAnOperatorMovesBeyondTheQuotaAndOutsideIt(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1), rebinds(1))
	l.mustActivate(machineNo(1))
	require.NoError(t, l.rebind(machineNo(1), machineNo(2), false))
	require.NoError(t, l.rebind(machineNo(2), machineNo(3), true))
	l.release(machineNo(3), true)
	bound := l.mustActivate(machineNo(4))[0].(binding.MachineBound)
	require.Nil(t, bound.Replaces, "an operator frees a seat wholly")
	require.Len(t, l.stream.Moves, 1)
	require.ErrorIs(t, l.rebind(machineNo(4), machineNo(5), false), license.ErrRebindLimitReached)
}

func TestFloatingSeatsMoveFreely(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1), rebinds(0), cooldown(3600), floating(60))
	l.mustActivate(machineNo(1))
	require.NoError(t, l.rebind(machineNo(1), box("c1", "b1", "d1"), false))
	l.mustActivate(box("c1", "b1", "d2"))
	require.True(t, l.mustActivate(box("c1", "b2", "d2"))[0].(binding.HardwareDrifted).Moved)
	l.release(box("c1", "b2", "d2"), false)
	l.mustActivate(machineNo(3))
	require.Empty(t, l.stream.Moves)
}

// TestHardwareThatAlternatesIsRecordedOnce states what a machine can cause by changing to and fro: one event for a variant that it returns
// to, and one a day for ever new ones.
func TestHardwareThatAlternatesIsRecordedOnce(t *testing.T) {
	t.Parallel()
	l := begin(t, seats(1))
	docked, undocked := box("c1", "b1", "d1"), box("c1", "b1", "d2")
	l.mustActivate(docked)
	drifts := 0
	for range 50 {
		l.now = l.now.Add(time.Minute)
		for _, m := range []machine.Machine{undocked, docked} {
			decided, err := l.ask(license.Validate{Machine: &m})
			require.NoError(t, err)
			drifts += len(decided) / 2
			require.Equal(t, license.Valid, l.stream.Verdict(license.Validate{Machine: &m}, l.now).Code)
		}
	}
	require.Equal(t, 1, drifts)

	for n := range 200 {
		l.now = l.now.Add(time.Hour)
		m := box("c1", "b1", fmt.Sprint("another disk ", n))
		decided, err := l.ask(license.Validate{Machine: &m})
		require.NoError(t, err)
		if slices.ContainsFunc(decided, func(p event.Payload) bool { return p.EventType() == binding.HardwareDriftedType }) {
			drifts++
		}
	}
	require.LessOrEqual(t, drifts, 1+200/24+1)
}
