package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
)

func TestInstancesRacingOnOneLedgerKeepItDenseInCommitOrderAndNeverTakeASeatTwice(t *testing.T) {
	t.Parallel()
	const instances, clients, streams, seats = 3, 6, 4, 25
	schema := server.Schema(t)
	var group sync.WaitGroup
	followed := make([][]event.Envelope, instances)
	for i := range instances {
		store := openStore(t, server.URL(), postgres.Schema(schema), postgres.MaxConnections(8))
		subscription, err := store.Subscribe(t.Context(), 0)
		require.NoError(t, err)
		group.Go(func() {
			for len(followed[i]) < streams*seats {
				events, err := subscription.Next(t.Context(), 7)
				if err != nil {
					t.Error(err)
					return
				}
				followed[i] = append(followed[i], events...)
			}
		})
		for client := range clients {
			group.Go(func() {
				for s := range streams {
					takeSeats(t, store, fmt.Sprintf("license-%d", (s+client)%streams), seats)
				}
			})
		}
	}
	group.Wait()
	ledger := all(t, openStore(t, server.URL(), postgres.Schema(schema)))
	require.Len(t, ledger, streams*seats)
	revisions := map[string]event.Revision{}
	for i, e := range ledger {
		require.Equal(t, event.Position(i+1), e.Position)
		revisions[e.Stream]++
		require.Equal(t, revisions[e.Stream], e.Revision)
	}
	for _, events := range followed {
		require.Equal(t, ledger, events)
	}
}

// takeSeats appends to a stream, as one of many, until all seats are taken.
func takeSeats(t *testing.T, store eventstore.Store, stream string, seats int) {
	for {
		var taken event.Revision
		for e, err := range store.ReadStream(t.Context(), stream, 0) {
			if errors.Is(err, eventstore.ErrStreamNotFound) {
				break
			}
			if err != nil {
				t.Error(err)
				return
			}
			taken = e.Revision
		}
		if taken >= event.Revision(seats) {
			return
		}
		commit, err := store.Append(t.Context(), stream, taken, happened(1))
		switch {
		case err == nil && commit.Revision != taken+1:
			t.Errorf("revision %d after %d", commit.Revision, taken)
			return
		case err != nil && !errors.Is(err, eventstore.ErrWrongExpectedRevision):
			t.Error(err)
			return
		}
	}
}
