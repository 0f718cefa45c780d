package commands_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

func TestACommandWithIfMatchIsCarriedOutAtThatRevisionOnly(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for name, test := range everyRepeatable(o) {
		head := o.head()
		wrong := event.Revision(99)
		if name == "IssueLicenses" {
			continue // its licences have no revisions yet; each is on its own
		}
		_, err := test.command(o.Handler, commands.Request{IfMatch: &wrong})
		require.ErrorIs(t, err, commands.ErrPreconditionFailed, name)
		require.Equal(t, head, o.head())
	}

	issued := o.issue()
	suspended, err := o.SuspendLicense(o.admin(vendor), commands.Request{IfMatch: &issued.Revision}, commands.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.NoError(t, err)
	require.Equal(t, issued.Revision+1, suspended.Revision)
	_, err = o.ReinstateLicense(o.admin(vendor), commands.Request{IfMatch: &issued.Revision}, commands.ReinstateLicense{LicenseID: issued.ID, Reason: "paid"})
	require.ErrorIs(t, err, commands.ErrPreconditionFailed)
	require.ErrorContains(t, err, "revision 2, not 1")
	none := event.Revision(0)
	_, err = o.IssueLicense(o.admin(vendor), commands.Request{IfMatch: &none}, order(o.plan(vendor)))
	require.NoError(t, err, "what does not exist is at revision 0")
}

func TestAValidationWithIfMatchIsAnsweredAtThatRevisionOnly(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	issued := o.issue()
	a := o.activate(issued.Key, 1)
	m := box(1)
	ask := commands.Validate{LicenseKey: issued.Key, Machine: &m}
	_, err := o.Validate(o.machine(), commands.Request{IfMatch: &issued.Revision}, ask)
	require.ErrorIs(t, err, commands.ErrPreconditionFailed)
	o.clock.advance(2 * day)
	verdict, err := o.Validate(o.machine(), commands.Request{IfMatch: &a.Revision}, ask)
	require.NoError(t, err)
	require.Equal(t, license.Valid, verdict.Code)
	require.Equal(t, a.Revision+1, verdict.Revision)
}
