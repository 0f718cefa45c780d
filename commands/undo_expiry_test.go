package commands_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	disciplined "github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// expiredByAWrongClock is a fixture whose clock was eleven days ahead, which the ledger has on record.
func expiredByAWrongClock(t *testing.T) (o *fixture, wrong, other licensing.IssuedLicense) {
	t.Helper()
	o = newFixture(t)
	wrong, other = o.issue(validFor(10)), o.issue(validFor(10))
	o.clock.advance(11 * day)
	_, err := recordDue(o.system(), o.Handler, wrong.ID)
	require.NoError(t, err)
	o.clock.set(noon.Add(time.Hour))
	return o, wrong, other
}

func TestAWrongExpiryIsUndoneAndTheLedgersTimeIsSetBack(t *testing.T) {
	t.Parallel()
	o, wrong, other := expiredByAWrongClock(t)
	h := onHost(o)
	require.Equal(t, license.LicenseExpired, h.verdict(wrong.Key))
	require.Equal(t, license.LicenseExpired, h.verdict(other.Key), "by the time of the ledger it has expired too")
	require.Equal(t, disciplined.LedgerAhead, h.trusted.State().Doubt)

	req := runtime.Request{IdempotencyKey: "undo-1"}
	undone, err := h.Licensing.UndoExpiry(h.admin(vendor), req, licensing.UndoExpiry{LicenseID: wrong.ID, Reason: "wrong clock"})
	require.NoError(t, err)
	require.Equal(t, license.StatusActive, undone.Status())
	again, err := h.Licensing.UndoExpiry(h.admin(vendor), req, licensing.UndoExpiry{LicenseID: wrong.ID, Reason: "wrong clock"})
	require.NoError(t, err)
	require.True(t, again.Replayed)
	require.Equal(t, undone.Revision, again.Revision)
	last := h.after(h.head() - 1)[0]
	require.Equal(t, noon.Add(time.Hour), last.RecordedAt.UTC())
	require.Equal(t, license.ExpiryUndone{Reason: "wrong clock", ExpiresAt: noon.Add(10 * day), UndoneAt: noon.Add(time.Hour)}, last.Payload)

	require.Equal(t, license.Valid, h.verdict(wrong.Key))
	require.Equal(t, license.Valid, h.verdict(other.Key))
	require.True(t, h.trusted.Trusted())
	h.round(wrong.ID, other.ID)
	require.Equal(t, license.Valid, h.verdict(wrong.Key), "nothing expires it anew")

	restarted := onHost(o)
	require.True(t, restarted.trusted.Trusted(), "the ledger's time stays set back")
	require.Equal(t, license.Valid, restarted.verdict(wrong.Key))
	restarted.pass(10*day, wrong.ID)
	require.Equal(t, license.LicenseExpired, restarted.verdict(wrong.Key), "at its time it expires")
}

func TestAnotherInstanceLearnsThatTheLedgersTimeWasSetBack(t *testing.T) {
	t.Parallel()
	o, wrong, other := expiredByAWrongClock(t)
	ahead, here := o.handler(o.store, 100), o.handler(o.store, 100)
	_, err := here.Licensing.UndoExpiry(o.admin(vendor), runtime.Request{}, licensing.UndoExpiry{LicenseID: wrong.ID, Reason: "wrong clock"})
	require.NoError(t, err)
	// It has not read on yet, and records at the old time.
	_, err = ahead.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{},
		licensing.SuspendLicense{LicenseID: other.ID, Reason: "unpaid"})
	require.NoError(t, err)
	for _, h := range []*commands.Handler{ahead, here} {
		verdict, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(wrong.Key)})
		require.NoError(t, err)
		require.Equal(t, license.Valid, verdict.Code)
		require.Equal(t, noon.Add(time.Hour), h.LedgerTime().UTC())
	}
}

func TestALicenseThatIsRefusedAsExpiredIsGivenItsTimeBackBeforeAnEventSaysSo(t *testing.T) {
	t.Parallel()
	o, _, other := expiredByAWrongClock(t)
	h := onHost(o)
	undone, err := h.Licensing.UndoExpiry(h.admin(vendor), runtime.Request{}, licensing.UndoExpiry{LicenseID: other.ID, Reason: "wrong clock"})
	require.NoError(t, err)
	require.Equal(t, license.StatusActive, undone.Status())
	require.Equal(t, license.Valid, h.verdict(other.Key))
}

func TestAnExpiryThatIsTrueIsNotUndone(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(1))
	o.clock.advance(day)
	_, err := recordDue(o.system(), o.Handler, issued.ID)
	require.NoError(t, err)
	before := o.head()
	undo := licensing.UndoExpiry{LicenseID: issued.ID, Reason: "please"}
	_, err = o.Licensing.UndoExpiry(o.admin(vendor), runtime.Request{}, undo)
	require.ErrorIs(t, err, license.ErrInvalidTransition)
	var seen event.Revision = 1
	_, err = o.Licensing.UndoExpiry(o.admin(vendor), runtime.Request{IfMatch: []event.Revision{seen}}, undo)
	require.ErrorIs(t, err, runtime.ErrPreconditionFailed)
	_, err = o.Licensing.UndoExpiry(o.machine(), runtime.Request{}, undo)
	require.ErrorIs(t, err, access.ErrForbidden)
	_, err = o.Licensing.UndoExpiry(o.admin("another vendor"), runtime.Request{}, undo)
	require.ErrorIs(t, err, license.ErrNotFound)
	require.Equal(t, before, o.head())
}

func TestWhatWasRecordedBeforeTheLedgersTimeWasSetBackDoesNotMoveItAnyMore(t *testing.T) {
	t.Parallel()
	o, wrong, other := expiredByAWrongClock(t)
	o.clock.set(noon.Add(11*day + time.Minute))
	_, err := recordDue(o.system(), o.Handler, other.ID)
	require.NoError(t, err)
	o.clock.set(noon.Add(time.Hour))
	readAgain := func(h *commands.Handler) {
		for _, l := range []licensing.IssuedLicense{other, wrong, other} {
			_, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(l.Key)})
			require.NoError(t, err)
		}
	}
	h := o.handler(o.store, 1) // has room for one licence, and reads the others from the ledger each time
	_, err = h.Licensing.UndoExpiry(o.admin(vendor), runtime.Request{}, licensing.UndoExpiry{LicenseID: wrong.ID, Reason: "wrong clock"})
	require.NoError(t, err)
	readAgain(h)
	require.Equal(t, noon.Add(time.Hour), h.LedgerTime().UTC())

	o.clock.advance(time.Hour)
	_, err = h.Licensing.SuspendLicense(o.admin(vendor), runtime.Request{}, licensing.SuspendLicense{LicenseID: other.ID, Reason: "unpaid"})
	require.NoError(t, err)
	restarted := o.handler(o.store, 1)
	for _, h := range []*commands.Handler{h, restarted} {
		readAgain(h)
		require.Equal(t, noon.Add(2*time.Hour), h.LedgerTime().UTC())
	}
}
