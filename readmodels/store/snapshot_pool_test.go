package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
)

// withReplica opens read models whose queries another server answers; the same server plays it here.
func withReplica(t testing.TB) storetest.Opener {
	schema := storetest.Postgres.Schema(t)
	return storetest.Opening(func(t testing.TB) (*store.DB, error) {
		return store.OpenPostgres(t.Context(), storetest.Postgres.URL(), store.Schema(schema), store.Replica(storetest.Postgres.URL()))
	})
}

func TestHoweverManySnapshotsAreHeldOrWantedEverythingElseIsAnswered(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(testing.TB) storetest.Opener{"SQLite": storetest.InSQLite, "PostgreSQL": storetest.InPostgres,
		"with a replica": withReplica} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := place(t)(t)
			at := storetest.Adopt(t, db, licenses.Definition)
			wanting, stop := context.WithCancel(t.Context())
			var snapshots sync.WaitGroup
			held := make(chan struct{}, 100)
			for range cap(held) {
				snapshots.Go(func() {
					snapshot, err := db.Snapshot(wanting, licenses.Definition)
					if err != nil {
						return // it waited to the end
					}
					held <- struct{}{}
					<-wanting.Done()
					_ = snapshot.Close() // it was rolled back with its context
				})
			}
			<-held
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for n := 1; n <= 50; n++ {
				changes := db.Changes(licenses.Definition, at)
				require.NoError(t, changes.Insert("licenses", storetest.LicenseRow(n, nil)))
				next, err := db.Apply(ctx, at, store.LastEvent{Position: at.Position + 1}, changes, storetest.Noon)
				require.NoError(t, err, "a projection goes on")
				at = next
				_, err = db.Changes(licenses.Definition, at).Text(ctx, "licenses", storetest.ID(n).String(), "product_code")
				require.NoError(t, err, "a projection looks up")
				_, err = licenses.New(db).Find(ctx, storetest.Tenant, storetest.ID(n))
				require.NoError(t, err, "a query is answered")
				_, err = db.Projections(ctx)
				require.NoError(t, err, "the status is told")
				require.NoError(t, db.Ping(ctx))
			}
			stop()
			snapshots.Wait()
		})
	}
}

func TestASnapshotDoesNotWaitForeverForAConnection(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		storetest.Adopt(t, db, licenses.Definition)
		var held []*store.Snapshot
		for range store.MaxSnapshots {
			s, err := db.Snapshot(t.Context(), licenses.Definition)
			require.NoError(t, err)
			held = append(held, s)
		}
		restore := db.WaitForSnapshots(10 * time.Millisecond)
		_, err := db.Snapshot(t.Context(), licenses.Definition)
		require.ErrorIs(t, err, store.ErrUnavailable)
		restore()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = db.Snapshot(ended, licenses.Definition)
		require.ErrorIs(t, err, context.Canceled)
		for _, s := range held {
			require.NoError(t, s.Close())
		}
		s, err := db.Snapshot(t.Context(), licenses.Definition)
		require.NoError(t, err, "what was given back serves again")
		require.NoError(t, s.Close())
	})
}

func TestOneSnapshotShowsAGenerationAndTheOneItReplaced(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		db := open(t)
		at := storetest.Apply(t, db, licenses.Definition, storetest.Adopt(t, db, licenses.Definition),
			func(c *store.Changes) { require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil))) })
		before, err := db.Snapshot(t.Context(), licenses.Definition)
		require.NoError(t, err)
		sum, err := before.Checksum(t.Context())
		require.NoError(t, err)
		require.NoError(t, before.Close())

		built, err := db.BeginGeneration(t.Context(), licenses.Definition, "test", storetest.Noon)
		require.NoError(t, err)
		require.NoError(t, db.IndexGeneration(t.Context(), licenses.Definition, built))
		_, err = db.Switch(t.Context(), licenses.Definition, at, built, at.LastEvent, db.Changes(licenses.Definition, built), storetest.Noon)
		require.NoError(t, err)
		both, err := db.Snapshot(t.Context(), licenses.Definition)
		require.NoError(t, err)
		defer func() { require.NoError(t, both.Close()) }()
		replaced, err := both.Generation(t.Context(), at.Generation)
		require.NoError(t, err)
		require.Equal(t, at.Position, replaced.Position())
		again, err := replaced.Checksum(t.Context())
		require.NoError(t, err)
		require.Equal(t, sum, again)
		empty, err := both.Checksum(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, sum, empty)
		_, err = both.Generation(t.Context(), 99)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}
