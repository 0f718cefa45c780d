package runtime

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

// tally is an aggregate that the program does not have.
type tally struct {
	track event.StreamState
	count int
}

func (c *tally) StreamState() event.StreamState {
	if c == nil {
		return event.StreamState{}
	}
	return c.track
}

type counted struct{}

func (counted) EventType() event.Type { return "tally.counted.v1" }

func foldTally(c *tally, events ...event.Event) (*tally, error) {
	next := tally{}
	if c != nil {
		next = *c
	}
	for _, e := range events {
		next.count++
		next.track = next.track.Advance(e)
	}
	return &next, nil
}

func count(*tally, time.Time) ([]event.Payload, error) { return []event.Payload{counted{}}, nil }

func tallies(prefix aggregate.Prefix) aggregate.Definition[tally] {
	return aggregate.Definition[tally]{Prefix: prefix, Fold: foldTally, NotFound: errors.New("there is no such tally")}
}

func openSQLite(t *testing.T) eventstore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// instance is one of several instances that share a ledger.
func instance(t *testing.T, store eventstore.Store) *Runtime {
	t.Helper()
	newID := func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	registry := event.NewRegistry([]event.Registration{event.Of[counted](), event.Of[left]()}, idempotency.Events())
	r, err := New(t.Context(), Config{Store: store, Events: registry, Now: time.Now, NewID: newID, Shared: true})
	require.NoError(t, err)
	return r
}

func tallyRepository(t *testing.T, r *Runtime, prefix aggregate.Prefix) *Repository[tally] {
	t.Helper()
	repository, err := NewRepository(r, tallies(prefix), 10)
	require.NoError(t, err)
	return repository
}

func asSystem(t *testing.T) context.Context {
	return access.With(t.Context(), access.Principal{Tenant: access.DefaultTenant, Actor: "system", Role: access.System})
}

// Whoever adds an aggregate makes a repository for it, and need not think of other instances.
func TestEveryRepositoryAnswersWithWhatOtherInstancesAppended(t *testing.T) {
	t.Parallel()
	store := openSQLite(t)
	one, two := instance(t, store), instance(t, store)
	ctx := asSystem(t)
	for _, prefix := range []aggregate.Prefix{"tally-", "two-part-", "two-", "license-key-", "a-license-"} {
		here, there := tallyRepository(t, one, prefix), tallyRepository(t, two, prefix)
		id := uuid.New()
		for n := 1; n <= 3; n++ {
			_, err := here.Execute(ctx, Request{}, id, count)
			require.NoError(t, err, prefix)
			state, err := there.Load(ctx, id)
			require.NoError(t, err, prefix)
			require.Equal(t, n, state.count, "%s: the answer of the other instance", prefix)
		}
		// A command that changes nothing is answered from what the instance knows.
		_, err := here.Execute(ctx, Request{}, id, count)
		require.NoError(t, err, prefix)
		unchanged, err := there.Execute(ctx, Request{}, id, func(*tally, time.Time) ([]event.Payload, error) { return nil, nil })
		require.NoError(t, err, prefix)
		require.Equal(t, 4, unchanged.State.count, prefix)
	}
}

func TestAnAppendOfAnotherInstanceIsFoldedOntoTheCachedState(t *testing.T) {
	t.Parallel()
	store := openSQLite(t)
	here, there := tallyRepository(t, instance(t, store), "two-part-"), tallyRepository(t, instance(t, store), "two-part-")
	id, ctx := uuid.New(), asSystem(t)
	_, err := here.Execute(ctx, Request{}, id, count)
	require.NoError(t, err)
	_, err = there.Load(ctx, id)
	require.NoError(t, err)
	_, err = here.Execute(ctx, Request{}, id, count)
	require.NoError(t, err)
	require.NoError(t, there.readIndex.sync(ctx))
	cached, found := there.cache.get(id)
	require.True(t, found)
	require.Equal(t, 2, cached.count)
}

// A newer version of the program may write such streams while this one runs.
func TestAStreamOfNoKnownAggregateHoldsNothingUp(t *testing.T) {
	t.Parallel()
	store := openSQLite(t)
	here, there := tallyRepository(t, instance(t, store), "tally-"), tallyRepository(t, instance(t, store), "tally-")
	id, ctx := uuid.New(), asSystem(t)
	for n, name := range []string{"stranger-" + uuid.NewString(), "tally-", "tally-x", "tally-2-" + uuid.NewString(), uuid.NewString(), "é"} {
		_, err := store.Append(ctx, name, 0, []event.Pending{{ID: uuid.New(), Type: "stranger.came.v1",
			RecordedAt: time.Now().UTC().Truncate(time.Microsecond), Data: []byte(`{}`)}})
		require.NoError(t, err, name)
		_, err = here.Execute(ctx, Request{}, id, count)
		require.NoError(t, err, name)
		state, err := there.Load(ctx, id)
		require.NoError(t, err, name)
		require.Equal(t, n+1, state.count, name)
	}
}

func TestTwoKindsOfAggregateCannotShareAPrefix(t *testing.T) {
	t.Parallel()
	r := instance(t, openSQLite(t))
	tallyRepository(t, r, "tally-")
	_, err := NewRepository(r, tallies("tally-"), 10)
	require.ErrorContains(t, err, "tally-")
	_, err = NewRepository(r, tallies("$tally-"), 10)
	require.ErrorContains(t, err, "prefix")
}
