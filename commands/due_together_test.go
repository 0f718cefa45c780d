package commands_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	domainactivation "github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/eventstore"
)

var errAway = errors.New("away")

// crowd is more machines than an engine appends events at once.
const crowd = eventstore.MaxEventsPerAppend + 3_616

// crowded issues a floating licence and gives it a crowd of machines, whose leases all end within a minute.
func crowded(o *fixture) licensing.IssuedLicense {
	o.t.Helper()
	issued := o.issue(seats(100_000), floating(60))
	issued.Revision = o.recordMany(issued.ID, issued.Revision, func(yield func(event.Payload) bool) {
		for n := 1; n <= crowd; n++ {
			id, print := uuid.New(), machine.Fingerprint(fmt.Sprintf("%064x", n))
			yield(binding.MachineBound{BindingID: id, Fingerprint: print, SeatsUsed: n, BoundAt: noon})
			yield(domainactivation.Granted{ActivationID: uuid.New(), BindingID: id, Fingerprint: print, Floating: true, GrantedAt: noon,
				ExpiresAt: noon.Add(time.Minute)})
		}
	})
	return issued
}

func TestHoweverManyLeasesLapseTogetherEveryCommandIsPossible(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := crowded(o)
	h := o.handler(o.store, 10)
	before := o.head()
	o.clock.advance(time.Hour)

	_, err := h.Licensing.ReinstateLicense(o.admin(vendor), runtime.Request{},
		licensing.ReinstateLicense{LicenseID: issued.ID, Reason: "paid"})
	require.ErrorIs(t, err, license.ErrInvalidTransition)
	require.Equal(t, before, o.head(), "a refused command records nothing")

	request := keyed("suspend")
	request.IfMatch = []event.Revision{issued.Revision}
	suspended, err := h.Licensing.SuspendLicense(o.admin(vendor), request,
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.NoError(t, err, "conditional on the revision before the leases lapsed")
	require.Zero(t, suspended.SeatsUsed())
	types := o.typesAfter(before)
	require.Equal(t, crowd+1, len(types))
	require.Equal(t, license.SuspendedType, types[crowd], "after all that was due before it")

	repeated, err := o.handler(o.store, 10).Licensing.SuspendLicense(o.admin(vendor), request,
		licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"})
	require.NoError(t, err)
	require.True(t, repeated.Replayed)
	require.Equal(t, suspended.Revision, repeated.Revision)
	require.Equal(t, before+1+crowd+1, o.head())
}

func TestLeasesThatLapseTogetherAreRecordedInPortionsAndGoOnAfterAnError(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := crowded(o)
	o.clock.advance(time.Hour)
	before := o.head()
	portions := 0
	restore := ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision,
		events []event.Pending) (eventstore.Commit, error) {
		require.LessOrEqual(t, len(events), runtime.MaxPortion)
		if portions++; portions == 3 {
			return eventstore.Commit{}, errAway
		}
		return ledger.Store.Append(ctx, stream, expected, events)
	})
	h := o.handler(ledger, 10)
	_, err := recordDue(o.system(), h, issued.ID)
	require.ErrorIs(t, err, errAway)
	require.Equal(t, before+2*runtime.MaxPortion, o.head())

	activated, err := h.Activation.ActivateMachine(o.machine(), runtime.Request{},
		activation.ActivateMachine{LicenseKey: o.key(issued.Key), Machine: machineNo(1)})
	require.NoError(t, err)
	require.Equal(t, activation.Seats{Used: 1, Limit: 100_000}, activated.Seats)
	restore()
	_, err = recordDue(o.system(), h, issued.ID)
	require.NoError(t, err)
	require.Equal(t, before+crowd+1, o.head(), "each lapse once, and the machine that came back")
}

func TestACommandThatNobodyWaitsForRecordsNoFurtherPortion(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	issued := crowded(o)
	o.clock.advance(time.Hour)
	before := o.head()
	ctx, cancel := context.WithCancel(o.admin(vendor))
	portions := 0
	ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
		if portions++; portions == 3 { // the first append claims the key
			cancel()
		}
		return ledger.Store.Append(ctx, stream, expected, events)
	})
	h := o.handler(ledger, 10)
	suspend := licensing.SuspendLicense{LicenseID: issued.ID, Reason: "unpaid"}
	_, err := h.Licensing.SuspendLicense(ctx, keyed("suspend"), suspend)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before+1+2*runtime.MaxPortion, o.head(), "the portion that was under way, and no more")

	_, err = h.Licensing.SuspendLicense(o.admin(vendor), keyed("suspend"), suspend)
	require.NoError(t, err)
	require.Equal(t, before+1+crowd+1, o.head())
}
