package readmodels_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels"
)

// withReplica opens read models whose queries another server answers; the same server plays it here.
func withReplica(t testing.TB) opener {
	schema := postgres.Schema(t)
	return opening(func(t testing.TB) (*readmodels.DB, error) {
		return readmodels.OpenPostgres(t.Context(), postgres.URL(), readmodels.Schema(schema), readmodels.Replica(postgres.URL()))
	})
}

func TestHoweverManySnapshotsAreHeldOrWantedEverythingElseIsAnswered(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(testing.TB) opener{"SQLite": inSQLite, "PostgreSQL": inPostgres, "with a replica": withReplica} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := place(t)(t)
			at := adopt(t, db, licenses)
			wanting, stop := context.WithCancel(t.Context())
			var snapshots sync.WaitGroup
			held := make(chan struct{}, 100)
			for range cap(held) {
				snapshots.Go(func() {
					snapshot, err := db.Snapshot(wanting, licenses)
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
				changes := db.Changes(licenses, at)
				require.NoError(t, changes.Insert("licenses", row(n, nil)))
				next, err := db.Apply(ctx, at, readmodels.LastEvent{Position: at.Position + 1}, changes, noon)
				require.NoError(t, err, "a projection goes on")
				at = next
				_, err = db.Changes(licenses, at).Text(ctx, "licenses", id(n).String(), "product_code")
				require.NoError(t, err, "a projection looks up")
				_, err = db.License(ctx, tenant, id(n))
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
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		adopt(t, db, licenses)
		var held []*readmodels.Snapshot
		for range readmodels.MaxSnapshots {
			s, err := db.Snapshot(t.Context(), licenses)
			require.NoError(t, err)
			held = append(held, s)
		}
		restore := db.WaitForSnapshots(10 * time.Millisecond)
		_, err := db.Snapshot(t.Context(), licenses)
		require.ErrorIs(t, err, readmodels.ErrUnavailable)
		restore()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = db.Snapshot(ended, licenses)
		require.ErrorIs(t, err, context.Canceled)
		for _, s := range held {
			require.NoError(t, s.Close())
		}
		s, err := db.Snapshot(t.Context(), licenses)
		require.NoError(t, err, "what was given back serves again")
		require.NoError(t, s.Close())
	})
}

func TestOneSnapshotShowsAGenerationAndTheOneItReplaced(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		db := open(t)
		at := apply(t, db, licenses, adopt(t, db, licenses), func(c *readmodels.Changes) { require.NoError(t, c.Insert("licenses", row(1, nil))) })
		before, err := db.Snapshot(t.Context(), licenses)
		require.NoError(t, err)
		sum, err := before.Checksum(t.Context())
		require.NoError(t, err)
		require.NoError(t, before.Close())

		built, err := db.BeginGeneration(t.Context(), licenses, "test", noon)
		require.NoError(t, err)
		require.NoError(t, db.IndexGeneration(t.Context(), licenses, built))
		_, err = db.Switch(t.Context(), licenses, at, built, at.LastEvent, db.Changes(licenses, built), noon)
		require.NoError(t, err)
		both, err := db.Snapshot(t.Context(), licenses)
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
		require.ErrorIs(t, err, readmodels.ErrNotFound)
	})
}
