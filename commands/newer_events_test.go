package commands_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// gift appends an event to a licence that only a newer version of the program knows.
func (o *fixture) gift(id uuid.UUID) { o.newer(license.StreamName(id)) }

func (o *fixture) newer(stream string) {
	o.t.Helper()
	var last event.Revision
	for e, err := range o.store.ReadStream(o.t.Context(), stream, 0) {
		require.NoError(o.t, err)
		last = e.Revision
	}
	_, err := o.store.Append(o.t.Context(), stream, last, []event.Pending{{
		ID: o.ids.next(), Type: "license.gifted.v1", RecordedAt: noon, Metadata: event.Metadata{Tenant: vendor, CommandID: uuid.NewString()},
		Data: []byte(`{}`),
	}})
	require.NoError(o.t, err)
}

func TestAnEventOfANewerVersionStopsItsLicenseOnly(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	repeatable := runtime.Request{IdempotencyKey: "suspend once"}
	gifted, other := o.issue(), o.issue()
	_, err := o.Licensing.SuspendLicense(o.admin(vendor), repeatable, licensing.SuspendLicense{LicenseID: gifted.ID, Reason: "overdue"})
	require.NoError(t, err)
	o.gift(gifted.ID)
	before := o.head()
	for instance, h := range map[string]*commands.Handler{"one that has folded it before": o.Handler,
		"one that was started since": o.handler(o.store, 10)} {
		for _, ask := range []func() error{
			func() error {
				_, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(gifted.Key)})
				return err
			},
			func() error {
				_, err := h.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: gifted.ID, Reason: "fraud"})
				return err
			},
			func() error { // repeated
				_, err := h.Licensing.SuspendLicense(o.admin(vendor), repeatable, licensing.SuspendLicense{LicenseID: gifted.ID, Reason: "overdue"})
				return err
			},
			func() error {
				_, err := recordDue(o.system(), h, gifted.ID)
				return err
			},
		} {
			var unknown *event.UnknownTypeError
			require.ErrorAs(t, ask(), &unknown, instance)
			require.Equal(t, event.Type("license.gifted.v1"), unknown.Type)
		}
		require.Equal(t, license.Valid, o.code(h, other.Key))
		require.Equal(t, before, h.UnknownEvent().Position)
	}
	require.Equal(t, before, o.head())
}

func TestWhatIsDueForALicenseOfANewerVersionIsLeftAloneAndSaidOnce(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	var due []uuid.UUID
	for range 3 {
		due = append(due, o.issue(validFor(1)).ID)
	}
	o.gift(due[0])
	o.gift(due[1])
	before := o.head()
	o.clock.advance(day)
	var log bytes.Buffer
	asked := 0
	scheduled := scheduler(o.Handler, func(_ context.Context, _ time.Time, limit int) ([]uuid.UUID, error) {
		asked = limit
		return due, nil
	})
	scheduled.Logger = slog.New(slog.NewTextHandler(&log, nil))
	require.NoError(t, scheduled.RecordDue(o.system()))
	first := asked
	for range 3 {
		require.NoError(t, scheduled.RecordDue(o.system()))
	}
	require.Equal(t, []event.Type{license.ExpiredType}, o.typesAfter(before), "the others are not held up")
	require.Equal(t, first+2, asked, "those left alone take nobody's place in a round")
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")), log.String())
	require.Contains(t, log.String(), "license.gifted.v1")
}

func TestFollowingOtherInstancesGoesOnBehindANewerEvent(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	gifted, other := o.issue(), o.issue()
	follower := o.other(gifted.Key)
	require.Equal(t, license.Valid, o.code(follower, other.Key))
	require.Nil(t, follower.UnknownEvent())
	o.gift(gifted.ID)
	o.suspend(other.ID)
	require.Equal(t, license.LicenseSuspended, o.code(follower, other.Key), "what follows the newer event is known")
	require.Equal(t, event.Type("license.gifted.v1"), follower.UnknownEvent().Type, "although nobody has asked for it")
	_, err := follower.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(gifted.Key)})
	require.ErrorIs(t, err, event.ErrUnknownType)
}

func TestANewerEventOfAProductStopsWhatNeedsTheProduct(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue()
	o.activate(issued.Key, 1)
	o.newer(catalog.ProductStream(issued.ProductID))
	before := o.head()
	cold := o.handler(o.store, 10)
	require.Equal(t, license.Valid, o.code(cold, issued.Key), "a verdict on the licence alone needs no product")
	_, err := cold.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: issued.ID, Reason: "fraud"})
	require.NoError(t, err)
	machine := machineNo(1)
	_, err = cold.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key), Machine: &machine})
	require.ErrorIs(t, err, event.ErrUnknownType, "the product's key signs")
	_, err = cold.Catalog.RotateSigningKey(o.admin(vendor), runtime.Request{},
		catalogcommands.RotateSigningKey{ProductID: issued.ProductID, Reason: "yearly"})
	require.ErrorIs(t, err, event.ErrUnknownType)
	require.Equal(t, before+1, o.head())
}
