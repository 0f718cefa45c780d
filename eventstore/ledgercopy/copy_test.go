package ledgercopy_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
	"github.com/licenseledger/licenseledger/eventstore/ledgercopy"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

var server services.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.With(m)) }

func newSQLite(t *testing.T) eventstore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func newPostgres(t *testing.T) eventstore.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), server.URL(), postgres.Schema(server.Schema(t)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// plain is an engine that can append to one stream at a time only.
type plain struct{ eventstore.Store }

// filled appends events to streams that alternate in many ways, and returns the store.
func filled(t *testing.T, store eventstore.Store, events int) eventstore.Store {
	t.Helper()
	target := store.(interface {
		AppendInOrder(ctx context.Context, appends []groupcommit.Append) error
	})
	revisions := map[string]event.Revision{}
	var batch []groupcommit.Append
	for n := 0; n < events; {
		stream := fmt.Sprintf("thing-%d", n*n%17)
		var pending []event.Pending
		for range min(1+n%4, events-n) {
			pending = append(pending, event.Pending{
				ID: uuid.Must(uuid.NewV7()), Type: "thing.happened.v1", RecordedAt: time.UnixMicro(1_700_000_000_000_001 + int64(n)).UTC(),
				Metadata: event.Metadata{Tenant: "t", Actor: "a", Correlation: "c", Causation: "d", CommandID: fmt.Sprint("e", n), RequestHash: "f"},
				Data:     fmt.Appendf(nil, `{"n": %d, "text": "\u0000 <ü>"}  `, n),
			})
			n++
		}
		batch = append(batch, groupcommit.Append{Stream: stream, Expected: revisions[stream], Events: pending})
		revisions[stream] += event.Revision(len(pending))
		if len(batch) == groupcommit.MaxAppendsPerBatch || n == events {
			require.NoError(t, target.AppendInOrder(t.Context(), batch))
			batch = nil
		}
	}
	return store
}

func digest(t *testing.T, ledger ledgercopy.Ledger) ledgercopy.Summary {
	t.Helper()
	summary, err := ledgercopy.Verify(t.Context(), ledger, nil, nil)
	require.NoError(t, err)
	return summary
}

func TestACopyHoldsTheSameEventsInTheSameOrder(t *testing.T) {
	t.Parallel()
	source := filled(t, newSQLite(t), 1500)
	target, back := newPostgres(t), plain{newSQLite(t)}
	var told event.Position
	copied, err := ledgercopy.Copy(t.Context(), source, target, func(p event.Position) {
		require.Greater(t, p, told)
		told = p
	})
	require.NoError(t, err)
	require.EqualValues(t, 1500, copied.Source.Events)
	require.Zero(t, copied.Present)
	require.Positive(t, told)
	_, err = ledgercopy.Copy(t.Context(), target, back, nil)
	require.NoError(t, err)

	var want, got []event.Envelope
	for e, err := range source.ReadAll(t.Context(), 0) {
		require.NoError(t, err)
		want = append(want, e)
	}
	for e, err := range target.ReadAll(t.Context(), 0) {
		require.NoError(t, err)
		got = append(got, e)
	}
	require.Equal(t, want, got)
	require.Equal(t, copied.Source, digest(t, source))
	require.Equal(t, copied.Source, digest(t, target))
	require.Equal(t, copied.Source, digest(t, back))

	again, err := ledgercopy.Copy(t.Context(), source, target, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1500, again.Present, "all of it is there")
	require.Equal(t, copied.Source, digest(t, target))
}

// breaking fails after some batches, before or after they were stored.
type breaking struct {
	*sqlite.Store
	left   int
	stored bool
}

var errBroken = errors.New("broken")

func (b *breaking) AppendInOrder(ctx context.Context, appends []groupcommit.Append) error {
	if b.left--; b.left >= 0 {
		return b.Store.AppendInOrder(ctx, appends)
	}
	if b.stored {
		return errors.Join(b.Store.AppendInOrder(ctx, appends), errBroken)
	}
	return errBroken
}

func TestACopyThatWasBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	source := filled(t, newSQLite(t), 3000)
	for _, stored := range []bool{false, true} {
		target := newSQLite(t).(*sqlite.Store)
		for tries := 0; ; tries++ {
			copied, err := ledgercopy.Copy(t.Context(), source, &breaking{Store: target, left: 1, stored: stored}, nil)
			if err == nil {
				require.Positive(t, copied.Present)
				require.Positive(t, tries)
				break
			}
			require.ErrorIs(t, err, errBroken)
		}
		require.Equal(t, digest(t, source), digest(t, target))
	}
}

func TestATargetWithOtherContentIsRefusedAndTheFirstDifferenceNamed(t *testing.T) {
	t.Parallel()
	source := filled(t, newSQLite(t), 40)
	var events []event.Envelope
	for e, err := range source.ReadAll(t.Context(), 0) {
		require.NoError(t, err)
		events = append(events, e)
	}
	for field, change := range map[string]func(*event.Envelope){
		"stream": func(e *event.Envelope) { e.Stream, e.Revision = "another", 1 }, "id": func(e *event.Envelope) { e.ID[15]++ },
		"type": func(e *event.Envelope) { e.Type += "2" }, "time": func(e *event.Envelope) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"tenant": func(e *event.Envelope) { e.Tenant = "x" }, "actor": func(e *event.Envelope) { e.Actor = "x" },
		"correlation": func(e *event.Envelope) { e.Correlation = "x" }, "causation": func(e *event.Envelope) { e.Causation = "x" },
		"command id": func(e *event.Envelope) { e.CommandID = "x" }, "request hash": func(e *event.Envelope) { e.RequestHash = "x" },
		"payload": func(e *event.Envelope) { e.Data = append([]byte(" "), e.Data...) },
	} {
		target := newSQLite(t)
		for i, e := range events[:12] {
			if i == 11 {
				change(&e)
			}
			_, err := target.Append(t.Context(), e.Stream, e.Revision-1, []event.Pending{e.Pending})
			require.NoError(t, err)
		}
		before := digest(t, target)
		_, err := ledgercopy.Copy(t.Context(), source, target, nil)
		require.ErrorIs(t, err, ledgercopy.ErrDifferent, field)
		require.ErrorContains(t, err, "event 12 of the source", field)
		require.ErrorContains(t, err, field)
		require.Equal(t, before, digest(t, target), "nothing was appended")
		require.NotEqual(t, digest(t, source).Digest, before.Digest)
	}
	longer := newSQLite(t)
	_, err := ledgercopy.Copy(t.Context(), source, longer, nil)
	require.NoError(t, err)
	_, err = longer.Append(t.Context(), "more", 0, []event.Pending{{ID: uuid.New(), Type: "more.v1"}})
	require.NoError(t, err)
	_, err = ledgercopy.Copy(t.Context(), source, longer, nil)
	require.ErrorIs(t, err, ledgercopy.ErrDifferent)
	require.ErrorContains(t, err, "ends after 40 events")
}

func TestTheDigestDependsOnTheOrder(t *testing.T) {
	t.Parallel()
	a, b := event.Pending{ID: uuid.New(), Type: "a.v1"}, event.Pending{ID: uuid.New(), Type: "b.v1"}
	one, other := newSQLite(t), newSQLite(t)
	for _, put := range []struct {
		store eventstore.Store
		event event.Pending
	}{{one, a}, {one, b}, {other, b}, {other, a}} {
		_, err := put.store.Append(t.Context(), "s-"+string(put.event.Type), 0, []event.Pending{put.event})
		require.NoError(t, err)
	}
	require.NotEqual(t, digest(t, one).Digest, digest(t, other).Digest)
}

func TestVerifyStopsAtTheFirstEventThatIsNotWellFormed(t *testing.T) {
	t.Parallel()
	ledger := filled(t, newSQLite(t), 20)
	summary, err := ledgercopy.Verify(t.Context(), ledger, func(e event.Envelope) error {
		if e.Position == 7 {
			return errBroken
		}
		return nil
	}, nil)
	require.ErrorIs(t, err, errBroken)
	require.EqualValues(t, 6, summary.Events)
}

func TestALedgerOpenedToBeReadShowsWhatTheStoreAppends(t *testing.T) {
	t.Parallel()
	path, schema := filepath.Join(t.TempDir(), "ledger.db"), server.Schema(t)
	_, err := sqlite.OpenLedger(t.Context(), path)
	require.Error(t, err)
	_, err = postgres.OpenLedger(t.Context(), server.URL(), postgres.Schema(schema))
	require.ErrorContains(t, err, "no tables")
	embedded, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, embedded.Close()) }()
	shared, err := postgres.Open(t.Context(), server.URL(), postgres.Schema(schema))
	require.NoError(t, err)
	defer func() { require.NoError(t, shared.Close()) }()
	fromFile, err := sqlite.OpenLedger(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, fromFile.Close()) }()
	fromServer, err := postgres.OpenLedger(t.Context(), server.URL(), postgres.Schema(schema))
	require.NoError(t, err)
	defer func() { require.NoError(t, fromServer.Close()) }()
	filled(t, embedded, 100)
	filled(t, shared, 100)
	require.Equal(t, digest(t, embedded), digest(t, fromFile))
	require.Equal(t, digest(t, shared), digest(t, fromServer))
	require.NoError(t, fromFile.Close())
	_, err = fromFile.Head(t.Context())
	require.ErrorIs(t, err, eventstore.ErrClosed)
}
