package store_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// anotherDatabase is a second database of the shared server, dropped at the end of the test.
func anotherDatabase(t *testing.T, name string) string {
	t.Helper()
	services.Execute(t, storetest.Postgres.URL(), "CREATE DATABASE "+name)
	t.Cleanup(func() { services.Execute(t, storetest.Postgres.URL(), "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(storetest.Postgres.URL())
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func TestWhatAReplicaHasNotReplayedIsWaitedFor(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	replica := anotherDatabase(t, "replica_of_"+schema)
	// The replica is played by a database of its own; what is applied to it here, the server would replay.
	follower := storetest.Opening(func(t testing.TB) (*store.DB, error) {
		return store.OpenPostgres(t.Context(), replica, store.Schema(schema))
	})(t)
	db := storetest.Opening(func(t testing.TB) (*store.DB, error) {
		return store.OpenPostgres(t.Context(), storetest.Postgres.URL(), store.Schema(schema), store.Replica(replica))
	})(t)
	insert := func(c *store.Changes) { require.NoError(t, c.Insert("licenses", storetest.LicenseRow(1, nil))) }
	replayed := storetest.Adopt(t, follower, licenses.Definition)
	at := storetest.Apply(t, db, licenses.Definition, storetest.Adopt(t, db, licenses.Definition), insert)
	db.Announce(at)

	names := []string{licenses.Definition.Name}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, db.WaitForPosition(ctx, names, at.Position), store.ErrNotReached, "the primary's position is not the replica's")
	_, err := licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(1))
	require.ErrorIs(t, err, store.ErrNotFound, "queries go to the replica")
	code, err := db.Changes(licenses.Definition, at).Text(t.Context(), "licenses", storetest.ID(1).String(), "product_code")
	require.NoError(t, err, "projections look up in the primary")
	require.Equal(t, "cad", code)
	snapshot, err := db.Snapshot(t.Context(), licenses.Definition)
	require.NoError(t, err)
	require.Equal(t, at.Position, snapshot.Position(), "snapshots are of the primary")
	require.NoError(t, snapshot.Close())
	all, err := db.Projections(t.Context())
	require.NoError(t, err)
	require.Equal(t, at.Position, all[0].Position)

	waited := make(chan error, 1)
	go func() { waited <- db.WaitForPosition(t.Context(), names, at.Position) }()
	storetest.Apply(t, follower, licenses.Definition, replayed, insert)
	require.NoError(t, <-waited)
	_, err = licenses.New(db).Find(t.Context(), storetest.Tenant, storetest.ID(1))
	require.NoError(t, err)
}

func TestAConnectionStringThatDoesNotWorkIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() (*store.DB, error){
		"malformed": func() (*store.DB, error) {
			return store.OpenPostgres(t.Context(), "postgres://ada:s3cret%zz@host/db")
		},
		"malformed replica": func() (*store.DB, error) {
			return store.OpenPostgres(t.Context(), storetest.Postgres.URL(), store.Replica("postgres://ada:s3cret%zz@host/db"))
		},
		"nobody there": func() (*store.DB, error) {
			return store.OpenPostgres(t.Context(), "postgres://ada:s3cret@localhost:1/db")
		},
		"too few connections": func() (*store.DB, error) {
			return store.OpenPostgres(t.Context(), "postgres://ada:s3cret@localhost:1/db", store.MaxConnections(3))
		},
	} {
		_, err := open()
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "s3cret")
		require.True(t, strings.HasPrefix(err.Error(), "open the read models in PostgreSQL: "), err)
	}
}

func TestNoMoreConnectionsAreOpenedThanAllowed(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	db, err := store.OpenPostgres(t.Context(), storetest.Postgres.URL()+"&application_name="+schema, store.Schema(schema),
		store.MaxConnections(16))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	storetest.Adopt(t, db, licenses.Definition)
	busy := make(chan error, 100)
	for range cap(busy) {
		go func() {
			_, err := licenses.New(db).List(t.Context(), storetest.Tenant, licenses.Filter{}, store.Paging{})
			busy <- err
		}()
	}
	for range cap(busy) {
		require.NoError(t, <-busy)
	}
	conn := services.Connect(t, storetest.Postgres.URL())
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	var open int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1`, schema).Scan(&open))
	require.LessOrEqual(t, open, 16)
	require.Positive(t, open)
}

func TestOwnersThatStartTogetherLeaveOneProjection(t *testing.T) {
	t.Parallel()
	storetest.OnBothEngines(t, func(t *testing.T, open storetest.Opener) {
		dbs := []*store.DB{open(t), open(t), open(t), open(t)}
		acquired := make(chan store.Acquired, len(dbs))
		for _, db := range dbs {
			go func() {
				a, err := db.Acquire(t.Context(), licenses.Definition, "test", storetest.Noon)
				if err != nil {
					t.Error(err)
				}
				acquired <- a
			}()
		}
		epochs := map[int64]bool{}
		for range dbs {
			a := <-acquired
			require.EqualValues(t, 1, a.Generation)
			require.False(t, epochs[a.Epoch], "two owners of one epoch")
			epochs[a.Epoch] = true
		}
	})
}
