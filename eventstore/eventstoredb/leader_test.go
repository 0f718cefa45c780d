package eventstoredb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	esdbdouble "github.com/licenseledger/licenseledger/tests/support/services/eventstoredb"
)

func startCluster(t testing.TB) (leader, follower *esdbdouble.Server) {
	t.Helper()
	leader = startDouble(t)
	follower, err := leader.Join()
	require.NoError(t, err)
	return leader, follower
}

func TestAStoreThatIsPointedAtAFollowerUsesTheLeader(t *testing.T) {
	t.Parallel()
	_, follower := startCluster(t)
	store := openStore(t, follower.URL())
	require.NotZero(t, follower.Refused())
	require.Equal(t, fill(t, store, "license-1", 3), all(t, store))
}

func TestAStoreFindsTheLeaderOfACluster(t *testing.T) {
	t.Parallel()
	leader, follower := startCluster(t)
	for range 5 { // servers are asked in any order
		store := openStore(t, leader.ClusterURL())
		_, err := store.Head(t.Context())
		require.NoError(t, err)
	}
	require.Zero(t, follower.Refused())
}

func TestWhenAnotherServerLeadsNothingIsLostOrDoubleOrEvenRefused(t *testing.T) {
	t.Parallel()
	first, second := startCluster(t)
	for what, url := range map[string]string{"one server": first.URL(), "a cluster": first.ClusterURL()} {
		first.Lead()
		store := openStore(t, url)
		subscription := openSubscription(t, store)
		before := all(t, store)
		var events []event.Envelope
		for i, leader := range []*esdbdouble.Server{second, first, second} {
			leader.Lead()
			commit, err := store.Append(t.Context(), "license-"+what, event.Revision(2*i), happened(2))
			require.NoError(t, err, what)
			events = append(events, commit.Events...)
		}
		require.Equal(t, append(before, events...), all(t, store))
		got, _ := follow(t, subscription, len(before)+len(events))
		require.Equal(t, append(before, events...), got)
	}
	require.NotZero(t, first.Refused())
	require.NotZero(t, second.Refused())
}

func TestWhenTheLeaderIsGoneAnotherOneIsFound(t *testing.T) {
	t.Parallel()
	first, second := startCluster(t)
	for what, url := range map[string]string{"one server": first.URL(), "a cluster": first.ClusterURL()} {
		second.Lead()
		require.NoError(t, second.Up())
		store := openStore(t, url)
		fill(t, store, "before-"+what, 1)

		first.Lead()
		second.Down()
		events := happened(2)
		commit := untilAvailable(t, func() (eventstore.Commit, error) { return store.Append(t.Context(), "license-"+what, 0, events) })
		require.Equal(t, event.Revision(2), commit.Revision)
	}
}
