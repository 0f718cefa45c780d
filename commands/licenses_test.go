package commands_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

func TestALicenseIsTakenThroughItsLife(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(10))
	id := issued.ID
	before := o.head()

	suspended, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: id, Reason: "unpaid"})
	require.NoError(t, err)
	require.Equal(t, license.StatusSuspended, suspended.Status())
	require.Equal(t, ada(), *suspended.Customer)
	require.Equal(t, event.Revision(2), suspended.Revision)

	reinstated, err := o.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{},
		licensing.ReinstateLicense{LicenseID: id, Reason: "paid"})
	require.NoError(t, err)
	require.Equal(t, license.StatusActive, reinstated.Status())

	renewed, err := o.Licensing.RenewLicense(o.admin(vendor), runtime.Request{},
		licensing.RenewLicense{LicenseID: id, Reason: "paid", ExtendDays: new(5)})
	require.NoError(t, err)
	require.Equal(t, noon.Add(15*day), *renewed.ExpiresAt)

	until := noon.Add(20*day + 1500*time.Nanosecond)
	renewed, err = o.Licensing.RenewLicense(o.admin(vendor), runtime.Request{},
		licensing.RenewLicense{LicenseID: id, Reason: "paid", ExpiresAt: &until})
	require.NoError(t, err)
	require.Equal(t, noon.Add(20*day+time.Microsecond), *renewed.ExpiresAt)

	o.clock.set(noon.Add(30 * day))
	renewed, err = o.Licensing.RenewLicense(o.admin(vendor), runtime.Request{},
		licensing.RenewLicense{LicenseID: id, Reason: "paid", ExtendDays: new(1)})
	require.NoError(t, err)
	require.Equal(t, license.StatusActive, renewed.Status())
	require.Equal(t, noon.Add(31*day), *renewed.ExpiresAt)

	revoked, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: id, Reason: "fraud"})
	require.NoError(t, err)
	require.Equal(t, license.StatusRevoked, revoked.Status())
	require.Equal(t, o.head(), revoked.Position)

	events := o.after(before)
	require.Equal(t, []event.Type{
		license.SuspendedType, license.ReinstatedType, license.RenewedType, license.RenewedType, license.ExpiredType, license.RenewedType,
		license.RevokedType,
	}, o.typesAfter(before))
	expired, renewal := events[4], events[5]
	require.Equal(t, "system", expired.Actor, "time did that, whoever's command it was recorded with")
	require.Equal(t, "ada", renewal.Actor)
	require.Equal(t, renewal.CommandID, expired.CommandID)
	require.Equal(t, event.Revision(8), revoked.Revision)
}

func TestAdministeringALicenseIsRefused(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: issued.ID, Reason: "fraud"})
	require.NoError(t, err)
	head := o.head()
	asked := map[string]func(id uuid.UUID, reason string) error{
		"suspend": func(id uuid.UUID, reason string) error {
			_, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: id, Reason: reason})
			return err
		},
		"reinstate": func(id uuid.UUID, reason string) error {
			_, err := o.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{}, licensing.ReinstateLicense{LicenseID: id, Reason: reason})
			return err
		},
		"renew": func(id uuid.UUID, reason string) error {
			_, err := o.Licensing.RenewLicense(o.admin(vendor), runtime.Request{},
				licensing.RenewLicense{LicenseID: id, Reason: reason, ExtendDays: new(1)})
			return err
		},
		"revoke": func(id uuid.UUID, reason string) error {
			_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: id, Reason: reason})
			return err
		},
		"reissue": func(id uuid.UUID, reason string) error {
			_, err := o.Licensing.ReissueKey(o.admin(vendor), runtime.Request{}, licensing.ReissueKey{LicenseID: id, Reason: reason})
			return err
		},
	}
	for name, ask := range asked {
		require.ErrorIs(t, ask(uuid.New(), "why"), license.ErrNotFound, name)
		require.ErrorIs(t, ask(issued.ID, "why"), license.ErrInvalidTransition, name)
		requireInvalid(t, ask(issued.ID, " "), "reason")
	}
	require.Equal(t, head, o.head())
}

func TestACustomerWhoWasErasedIsNotShown(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	require.NoError(t, o.ring.EraseSubject(t.Context(), issued.SubjectID))
	suspended, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{},
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.NoError(t, err)
	require.Nil(t, suspended.Customer)
	require.Equal(t, license.StatusSuspended, suspended.Status())
}

func TestAMachineOfAnErasedCustomerHasNoNameButASeat(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	require.NoError(t, o.ring.EraseSubject(t.Context(), issued.SubjectID))
	activated := o.activate(issued.Key, 1)
	require.True(t, activated.New)
	held, found := o.verdict(issued.Key, 1).License.ByBinding(activated.BindingID)
	require.True(t, found)
	require.Empty(t, held.Binding.Machine.Name)
}

func TestAReplacedKeyIsUseless(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	activated := o.activate(issued.Key, 1)
	before := o.head()
	reissued, err := o.Licensing.ReissueKey(o.admin(vendor), runtime.Request{}, licensing.ReissueKey{LicenseID: issued.ID, Reason: "leaked"})
	require.NoError(t, err)
	require.Equal(t, []event.Type{license.KeyReissuedType}, o.typesAfter(before))
	require.NotEqual(t, issued.Key, reissued.Key)
	require.Equal(t, issued.ID, reissued.ID)

	head := o.head()
	for name, ask := range keyedCommands(o, issued, activated) {
		require.ErrorIs(t, ask(o.Handler), license.ErrKeySuperseded, name)
	}
	require.Equal(t, head, o.head())
	require.Equal(t, license.Valid, o.verdict(reissued.Key, 1).Code, "machines stay bound")
	require.Equal(t, activated.Certificate, o.activate(reissued.Key, 1).Certificate)
}

// keyedCommands are what machines send with a licence key, each of a kind that would change something.
func keyedCommands(o *fixture, issued licensing.IssuedLicense, activated activation.Activation) map[string]func(*commands.Handler) error {
	return map[string]func(*commands.Handler) error{
		"activate": func(h *commands.Handler) error {
			_, err := h.Activation.ActivateMachine(o.machine(), runtime.Request{},
				activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(2)})
			return err
		},
		"heartbeat": func(h *commands.Handler) error {
			_, err := h.Activation.Heartbeat(o.machine(), runtime.Request{},
				activation.Heartbeat{ActivationID: activated.ID, LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
			return err
		},
		"rebind": func(h *commands.Handler) error {
			_, err := h.Activation.RebindMachine(o.machine(), runtime.Request{}, activation.RebindMachine{
				LicenseKey: o.key(issued.Key), BindingID: activated.BindingID, Machine: machineNo(2), Reason: "new laptop",
			})
			return err
		},
		"deactivate": func(h *commands.Handler) error {
			_, err := h.Activation.Deactivate(o.machine(), runtime.Request{},
				activation.Deactivate{LicenseKey: o.key(issued.Key), ActivationID: activated.ID, Reason: "sold"})
			return err
		},
		"validate": func(h *commands.Handler) error {
			m := machineNo(1)
			verdict, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key), Machine: &m})
			if err == nil && verdict.Code == license.KeyInvalid {
				return license.ErrKeySuperseded // which a verdict says in its own way
			}
			return err
		},
	}
}

// TestAKeyThatAnotherInstanceReplacedChangesNothing: the instances have cached the licence as it was before.
func TestAKeyThatAnotherInstanceReplacedChangesNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	activated := o.activate(issued.Key, 1)
	o.clock.advance(2 * day) // so that heartbeat and validation would renew the certificate
	asked := keyedCommands(o, issued, activated)
	instances := map[string]*commands.Handler{}
	for name := range asked {
		instances[name] = o.handler(o.store, 10)
		verdict, err := instances[name].Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key)})
		require.NoError(t, err)
		require.Equal(t, license.Valid, verdict.Code)
	}
	_, err := o.Licensing.ReissueKey(o.admin(vendor), runtime.Request{}, licensing.ReissueKey{LicenseID: issued.ID, Reason: "leaked"})
	require.NoError(t, err)
	head := o.head()
	for name, ask := range asked {
		require.ErrorIs(t, ask(instances[name]), license.ErrKeySuperseded, name)
	}
	require.Equal(t, head, o.head())
}
