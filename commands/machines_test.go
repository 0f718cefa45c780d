package commands_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestActivatingAMachine(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	before := o.head()
	a := o.activate(issued.Key, 1)
	require.True(t, a.New)
	require.Equal(t, issued.ID, a.LicenseID)
	require.Equal(t, activation.Seats{Used: 1, Limit: 3}, a.Seats)
	require.Equal(t, noon.Add(3*day), a.ExpiresAt)
	require.NotEmpty(t, a.Certificate)
	require.Equal(t, o.head(), a.Position)
	require.Equal(t, event.Revision(3), a.Revision)

	events := o.after(before)
	require.Len(t, events, 2)
	bound := events[0].Payload.(binding.MachineBound)
	require.Equal(t, a.BindingID, bound.BindingID)
	require.Equal(t, "linux/amd64", bound.OS)
	require.NotContains(t, string(events[0].Data), "host-1", "the host name is sealed")
	name, err := o.ring.Unseal(t.Context(), issued.SubjectID, bound.Name)
	require.NoError(t, err)
	require.Equal(t, "host-1", string(name))
	require.Equal(t, "machine", events[0].Actor)
	require.Equal(t, vendor, events[0].Tenant, "the licence says whose it is, not the machine")
}

func TestActivatingAMachineThatIsBoundAnswersWithWhatItHas(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	first := o.activate(issued.Key, 1)
	head := o.head()
	o.clock.advance(time.Hour)
	second := o.activate(issued.Key, 1)
	require.False(t, second.New)
	first.New = false
	require.Equal(t, first, second)
	require.Equal(t, head, o.head())
}

func TestAMachineIsKnownByItsComponents(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1))
	before := o.head()
	ask := func(p activation.PresentedMachine) activation.Activation {
		a, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{},
			activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: p})
		require.NoError(t, err)
		return a
	}
	first := ask(machineWith("cpu=GenuineIntel-77", "board=B-1", "disk=D-1"))
	again := ask(machineWith("disk= d-1 ", "cpu=genuineintel-77", "board=b-1"))
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, before+2, o.head())

	drifted := ask(machineWith("cpu=GenuineIntel-77", "board=B-1", "disk=D-2"))
	require.Equal(t, first.ID, drifted.ID)
	require.NotEqual(t, first.Certificate, drifted.Certificate)
	events := o.after(before)
	require.Equal(t, []event.Type{
		binding.MachineBoundType, "activation.granted.v1", binding.HardwareDriftedType, "activation.renewed.v1",
	}, o.typesAfter(before))
	require.Equal(t, []machine.Kind{machine.Disk}, events[2].Payload.(binding.HardwareDrifted).Changed)
	for _, e := range events {
		require.NotContains(t, strings.ToLower(string(e.Data)), "genuineintel", "components are stored as keyed hashes only")
	}
}

func TestWhatAMachineMayPresent(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	head := o.head()
	tests := map[string]struct {
		machine activation.PresentedMachine
		fields  []string
	}{
		"nothing": {activation.PresentedMachine{}, []string{"machine"}},
		"both": {activation.PresentedMachine{Fingerprint: machineNo(1).Fingerprint, Components: machineWith("cpu=x").Components},
			[]string{"machine"}},
		"no fingerprint":       {activation.PresentedMachine{Fingerprint: "xyz"}, []string{"machine.fingerprint"}},
		"an unknown component": {machineWith("cpu=x", "mood=good"), []string{"machine.components.mood"}},
		"empty components":     {machineWith("cpu= "), []string{"machine.components"}},
		"a long name": {activation.PresentedMachine{Fingerprint: machineNo(1).Fingerprint, Name: strings.Repeat("ä", 201)},
			[]string{"machine.name"}},
		"a name that is not UTF-8": {activation.PresentedMachine{Fingerprint: machineNo(1).Fingerprint, Name: "\xff"}, []string{"machine.name"}},
		"a long system": {activation.PresentedMachine{Fingerprint: machineNo(1).Fingerprint, OS: strings.Repeat("x", 65)},
			[]string{"machine.os"}},
		"a system that is not UTF-8, and a bad fingerprint": {
			activation.PresentedMachine{Fingerprint: "xyz", OS: "\xff"}, []string{"machine.os", "machine.fingerprint"},
		},
	}
	for name, test := range tests {
		t.Log(name)
		_, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{},
			activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: test.machine})
		requireInvalid(t, err, test.fields...)
		_, err = o.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key), Machine: &test.machine})
		requireInvalid(t, err, test.fields...)
	}
	require.Equal(t, head, o.head())

	_, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: activation.PresentedMachine{
			Fingerprint: strings.ToUpper(machineNo(0xabc).Fingerprint), Name: strings.Repeat("ä", 200), OS: strings.Repeat("x", 64),
		}})
	require.NoError(t, err)
}

func TestALicenseThatDoesNotPermitItRefusesMachines(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	unknown := o.ring.FormatLicenseKey(keyring.LicenseKey{Serial: 1})
	suspended, revoked, expired, full := o.issue(), o.issue(), o.issue(validFor(1)), o.issue(seats(1))
	held := map[string]activation.Activation{}
	for _, issued := range []licensing.IssuedLicense{suspended, revoked, expired, full} {
		held[issued.Key] = o.activate(issued.Key, 1)
	}
	o.suspend(suspended.ID)
	_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: revoked.ID, Reason: "fraud"})
	require.NoError(t, err)
	o.clock.advance(day)
	head := o.head()
	for name, test := range map[string]struct {
		key      string
		expected error // of every command that needs the licence's permission
	}{
		"mistyped":  {"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", keyring.ErrLicenseKeyInvalid},
		"missing":   {"", keyring.ErrLicenseKeyInvalid},
		"unknown":   {unknown, license.ErrNotFound},
		"suspended": {suspended.Key, license.ErrSuspended},
		"revoked":   {revoked.Key, license.ErrRevoked},
		"expired":   {expired.Key, license.ErrExpired},
	} {
		a := held[test.key]
		_, err := o.Activation.ActivateMachine(o.machine(), runtime.Request{},
			activation.ActivateMachine{LicenseKey: o.key(test.key), Machine: machineNo(1)})
		require.ErrorIs(t, err, test.expected, name)
		_, err = o.Activation.Heartbeat(o.machine(), runtime.Request{},
			activation.Heartbeat{LicenseKey: o.key(test.key), ActivationID: a.ID, Machine: machineNo(1)})
		require.ErrorIs(t, err, test.expected, name)
		_, err = o.Activation.RebindMachine(o.machine(), runtime.Request{},
			activation.RebindMachine{LicenseKey: o.key(test.key), BindingID: a.BindingID, Machine: machineNo(2), Reason: "why"})
		require.ErrorIs(t, err, test.expected, name)
	}
	_, err = o.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(full.Key), Machine: machineNo(2)})
	require.ErrorIs(t, err, license.ErrSeatLimitReached)
	require.Equal(t, head, o.head())
}

func TestAHeartbeatKeepsALease(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1), floating(60))
	a := o.activate(issued.Key, 1)
	require.Equal(t, noon.Add(time.Minute), a.ExpiresAt)
	beat := func(n int) (activation.Activation, error) {
		return o.Activation.Heartbeat(o.machine(), runtime.Request{},
			activation.Heartbeat{ActivationID: a.ID, LicenseKey: o.key(issued.Key), Machine: machineNo(n)})
	}
	head := o.head()
	o.clock.advance(30 * time.Second)
	same, err := beat(1)
	require.NoError(t, err)
	require.Equal(t, a.Certificate, same.Certificate)
	require.Equal(t, head, o.head(), "a heartbeat is no event")

	o.clock.advance(time.Second)
	fresh, err := beat(1)
	require.NoError(t, err)
	require.NotEqual(t, a.Certificate, fresh.Certificate)
	require.Equal(t, noon.Add(91*time.Second), fresh.ExpiresAt)
	require.Equal(t, a.ID, fresh.ID)
	require.False(t, fresh.New)
	require.Equal(t, []event.Type{"activation.renewed.v1"}, o.typesAfter(head))

	o.clock.advance(time.Hour)
	head = o.head()
	late, err := beat(1)
	require.NoError(t, err, "a late heartbeat takes the seat again")
	require.Equal(t, activation.Seats{Used: 1, Limit: 1}, late.Seats)
	require.Equal(t, []event.Type{"activation.lapsed.v1", "activation.renewed.v1"}, o.typesAfter(head))

	o.clock.advance(time.Hour)
	o.activate(issued.Key, 2)
	head = o.head()
	_, err = beat(1)
	require.ErrorIs(t, err, license.ErrSeatLimitReached)
	_, err = beat(2)
	require.ErrorIs(t, err, license.ErrFingerprintMismatch)
	_, err = o.Activation.Heartbeat(o.machine(), runtime.Request{},
		activation.Heartbeat{ActivationID: uuid.New(), LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
	require.ErrorIs(t, err, license.ErrActivationNotFound)
	require.Equal(t, head, o.head())
}

func TestSeatsAreCountedAsOfNowThoughNothingSaysSoYet(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(2), floating(60))
	a := o.activate(issued.Key, 1)
	o.clock.advance(31 * time.Second)
	o.activate(issued.Key, 2)
	o.clock.advance(29 * time.Second) // the first machine's lease is over
	head := o.head()
	require.Equal(t, activation.Seats{Used: 1, Limit: 2}, o.activate(issued.Key, 2).Seats)
	require.Equal(t, activation.Seats{Used: 1, Limit: 2}, o.verdict(issued.Key, 2).Activation.Seats)
	require.Equal(t, head, o.head())

	_, err := o.Activation.Heartbeat(o.machine(), runtime.Request{},
		activation.Heartbeat{ActivationID: a.ID, LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
	require.NoError(t, err)
	require.Equal(t, activation.Seats{Used: 2, Limit: 2}, o.activate(issued.Key, 2).Seats)
}

func TestDeactivatingFreesTheSeat(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1))
	for name, deactivate := range map[string]func(a activation.Activation) (activation.Deactivated, error){
		"by the machine": func(a activation.Activation) (activation.Deactivated, error) {
			return o.Activation.Deactivate(o.machine(), runtime.Request{},
				activation.Deactivate{LicenseKey: o.key(issued.Key), ActivationID: a.ID, Reason: "sold"})
		},
		"by an admin": func(a activation.Activation) (activation.Deactivated, error) {
			return o.Activation.Deactivate(o.admin(vendor), runtime.Request{},
				activation.Deactivate{LicenseID: issued.ID, ActivationID: a.ID, Reason: "sold"})
		},
		"by an admin with the key": func(a activation.Activation) (activation.Deactivated, error) {
			return o.Activation.Deactivate(o.admin(vendor), runtime.Request{},
				activation.Deactivate{LicenseKey: o.key(issued.Key), ActivationID: a.ID, Reason: "sold"})
		},
	} {
		a := o.activate(issued.Key, 1)
		head := o.head()
		done, err := deactivate(a)
		require.NoError(t, err, name)
		require.Equal(t, activation.Deactivated{
			ActivationID: a.ID, LicenseID: issued.ID, Seats: activation.Seats{Used: 0, Limit: 1},
			Outcome: runtime.Outcome{Position: o.head(), Revision: a.Revision + 2},
		}, done)
		require.Equal(t, []event.Type{"activation.ended.v1", binding.MachineReleasedType}, o.typesAfter(head))
		_, err = deactivate(a)
		require.ErrorIs(t, err, license.ErrActivationNotFound, name)
	}
	b := o.activate(issued.Key, 2)
	require.True(t, b.New, "another machine may have the seat")
	head := o.head()
	_, err := o.Activation.Deactivate(o.machine(), runtime.Request{}, activation.Deactivate{LicenseKey: o.key(issued.Key), ActivationID: b.ID})
	requireInvalid(t, err, "reason")
	_, err = o.Activation.Deactivate(o.admin(vendor), runtime.Request{},
		activation.Deactivate{LicenseID: uuid.New(), ActivationID: b.ID, Reason: "sold"})
	require.ErrorIs(t, err, license.ErrNotFound)
	_, err = o.Activation.Deactivate(o.machine(), runtime.Request{},
		activation.Deactivate{LicenseKey: o.key("x"), ActivationID: b.ID, Reason: "sold"})
	require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid)
	require.Equal(t, head, o.head())
}

func TestRebindingMovesTheSeat(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1), rebinds(1))
	a := o.activate(issued.Key, 1)
	head := o.head()
	moved, err := o.Activation.RebindMachine(o.machine(), runtime.Request{}, activation.RebindMachine{
		LicenseKey: o.key(issued.Key), BindingID: a.BindingID, Machine: machineNo(2), Reason: "new laptop",
	})
	require.NoError(t, err)
	require.Equal(t, a.BindingID, moved.BindingID)
	require.NotEqual(t, a.ID, moved.ID)
	require.NotEqual(t, a.Certificate, moved.Certificate)
	require.Equal(t, activation.Seats{Used: 1, Limit: 1}, moved.Seats)
	require.False(t, moved.New)
	require.Equal(t, []event.Type{"activation.ended.v1", binding.MachineReboundType, "activation.granted.v1"}, o.typesAfter(head))
	require.Equal(t, license.FingerprintMismatch, o.verdict(issued.Key, 1).Code)
	require.Equal(t, license.Valid, o.verdict(issued.Key, 2).Code)

	again, err := o.Activation.RebindMachine(o.admin(vendor), runtime.Request{}, activation.RebindMachine{
		LicenseID: issued.ID, BindingID: a.BindingID, Machine: machineWith("cpu=1"), Reason: "a newer one",
	})
	require.NoError(t, err)
	require.Equal(t, event.Revision(9), again.Revision)

	head = o.head()
	rebind := func(c activation.RebindMachine) error {
		_, err := o.Activation.RebindMachine(o.machine(), runtime.Request{}, c)
		return err
	}
	there := activation.RebindMachine{LicenseKey: o.key(issued.Key), BindingID: a.BindingID, Machine: machineNo(3), Reason: "why"}
	require.ErrorIs(t, rebind(there), license.ErrRebindLimitReached)
	same := there
	same.Machine = machineWith("cpu=1")
	require.ErrorIs(t, rebind(same), license.ErrMachineAlreadyBound)
	nowhere := there
	nowhere.BindingID = uuid.New()
	require.ErrorIs(t, rebind(nowhere), license.ErrBindingNotFound)
	silent := there
	silent.Reason = ""
	requireInvalid(t, rebind(silent), "reason")
	nobody := there
	nobody.Machine = activation.PresentedMachine{}
	requireInvalid(t, rebind(nobody), "machine")
	unknown := there
	unknown.LicenseID = uuid.New()
	require.ErrorIs(t, rebind(unknown), license.ErrNotFound)
	require.Equal(t, head, o.head())
}

func TestALapsedMachineIsNotReboundWhenTheSeatIsTaken(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(seats(1), floating(60))
	a := o.activate(issued.Key, 1)
	o.clock.advance(time.Minute)
	o.activate(issued.Key, 2)
	head := o.head()
	_, err := o.Activation.RebindMachine(o.machine(), runtime.Request{}, activation.RebindMachine{
		LicenseKey: o.key(issued.Key), BindingID: a.BindingID, Machine: machineNo(3), Reason: "new laptop",
	})
	require.ErrorIs(t, err, license.ErrSeatLimitReached)
	require.Equal(t, head, o.head())
}
