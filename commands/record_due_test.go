package commands_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
)

func TestWhatTimeBringsAboutIsRecordedOnce(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(1), floating(60))
	o.activate(issued.Key, 1)
	o.clock.advance(time.Second)
	o.activate(issued.Key, 2)
	before := o.head()

	o.clock.set(noon.Add(time.Minute - time.Microsecond))
	outcome, err := recordDue(o.system(), o.Handler, issued.ID)
	require.NoError(t, err)
	require.Equal(t, before, o.head(), "nothing is due yet")
	require.Equal(t, event.Revision(5), outcome.Revision)

	o.clock.set(noon.Add(time.Minute))
	outcome, err = recordDue(o.system(), o.Handler, issued.ID)
	require.NoError(t, err)
	require.Equal(t, []event.Type{"activation.lapsed.v1"}, o.typesAfter(before))
	require.Equal(t, before+1, outcome.Position)

	o.clock.set(noon.Add(day))
	for range 3 {
		outcome, err = recordDue(o.system(), o.Handler, issued.ID)
		require.NoError(t, err)
		require.Equal(t, event.Revision(8), outcome.Revision)
	}
	require.Equal(t, []event.Type{"activation.lapsed.v1", "activation.lapsed.v1", license.ExpiredType}, o.typesAfter(before))
	for _, e := range o.after(before) {
		require.Equal(t, "system", e.Actor)
		require.Equal(t, vendor, e.Tenant)
		require.Empty(t, e.RequestHash)
	}
	require.Equal(t, noon.Add(day), o.after(before)[2].Payload.(license.Expired).ExpiredAt)
}

func TestTimePassesALicenseThatDoesNotExist(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	outcome, err := recordDue(o.system(), o.Handler, uuid.New())
	require.NoError(t, err)
	require.Zero(t, outcome)
}

func TestTheTimekeeperRecordsWhatIsDue(t *testing.T) {
	t.Parallel()
	o, ledger := newFaultyFixture(t)
	var due []uuid.UUID
	for range 3 {
		due = append(due, o.issue(validFor(1)).ID)
	}
	before := o.head()
	o.clock.advance(day)
	scheduled := scheduler(o.Handler, func(_ context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
		require.Equal(t, noon.Add(day), now.UTC())
		require.Positive(t, limit)
		return due, nil
	})

	restore := ledger.appendsWith(func(ctx context.Context, stream string, expected event.Revision,
		events []event.Pending) (commit eventstore.Commit, err error) {
		if stream == license.StreamName(due[1]) {
			return commit, eventstore.ErrBusy
		}
		return ledger.Store.Append(ctx, stream, expected, events)
	})
	require.ErrorIs(t, scheduled.RecordDue(o.system()), eventstore.ErrBusy)
	require.Equal(t, before+2, o.head(), "one that fails does not hold up the others")
	restore()

	require.NoError(t, scheduled.RecordDue(o.system()))
	require.NoError(t, scheduled.RecordDue(o.system()))
	require.Equal(t, []event.Type{license.ExpiredType, license.ExpiredType, license.ExpiredType}, o.typesAfter(before))
	require.ErrorIs(t, scheduled.RecordDue(o.admin(vendor)), access.ErrForbidden)
}

func TestTheTimekeeperGoesOnUntilItIsStopped(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	issued := o.issue(validFor(1))
	before := o.head()
	o.clock.advance(day)

	var log bytes.Buffer
	rounds := make(chan int)
	n := 0
	scheduled := scheduler(o.Handler, func(ctx context.Context, _ time.Time, _ int) ([]uuid.UUID, error) {
		n++
		select {
		case rounds <- n:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if n == 1 {
			return nil, errors.New("the read model is being rebuilt")
		}
		return []uuid.UUID{issued.ID}, nil
	})
	scheduled.Every, scheduled.Logger = time.Millisecond, slog.New(slog.NewTextHandler(&log, nil))
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		scheduled.Run(ctx)
	}()
	for range 4 {
		<-rounds
	}
	stop()
	<-stopped
	require.Equal(t, []event.Type{license.ExpiredType}, o.typesAfter(before))
	require.Contains(t, log.String(), "the read model is being rebuilt")
	require.NotContains(t, log.String(), "canceled", "being stopped is no failure")
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")))
}
