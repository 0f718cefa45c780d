package commands_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

func TestACommandWithIfMatchIsCarriedOutAtThatRevisionOnly(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	for name, test := range everyRepeatable(o) {
		head := o.head()
		wrong := event.Revision(99)
		if name == "IssueLicenses" {
			continue // its licences have no revisions yet; each is on its own
		}
		_, err := test.command(o.Handler, runtime.Request{IfMatch: []event.Revision{wrong}})
		require.ErrorIs(t, err, runtime.ErrPreconditionFailed, name)
		require.Equal(t, head, o.head())
	}

	issued := o.issue()
	suspended, err := o.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{IfMatch: []event.Revision{issued.Revision}},
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.NoError(t, err)
	require.Equal(t, issued.Revision+1, suspended.Revision)
	_, err = o.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{IfMatch: []event.Revision{issued.Revision}},
		licensing.ReinstateLicense{LicenseID: issued.ID, Reason: "paid"})
	require.ErrorIs(t, err, runtime.ErrPreconditionFailed)
	require.ErrorContains(t, err, "revision 2, not at one that you expect")
	none := event.Revision(0)
	_, err = o.Licensing.IssueLicense(o.admin(vendor), runtime.Request{IfMatch: []event.Revision{none}}, order(o.plan(vendor)))
	require.NoError(t, err, "what does not exist is at revision 0")
}

func TestAValidationWithIfMatchIsAnsweredAtThatRevisionOnly(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	a := o.activate(issued.Key, 1)
	m := machineNo(1)
	ask := activation.Validate{LicenseKey: o.key(issued.Key), Machine: &m}
	_, err := o.Activation.Validate(o.machine(), runtime.Request{IfMatch: []event.Revision{issued.Revision}}, ask)
	require.ErrorIs(t, err, runtime.ErrPreconditionFailed)
	o.clock.advance(2 * day)
	verdict, err := o.Activation.Validate(o.machine(), runtime.Request{IfMatch: []event.Revision{a.Revision}}, ask)
	require.NoError(t, err)
	require.Equal(t, license.Valid, verdict.Code)
	require.Equal(t, a.Revision+1, verdict.Revision)
}
