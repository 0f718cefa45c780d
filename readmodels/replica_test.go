package readmodels_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// anotherDatabase is a second database of the shared server, dropped at the end of the test.
func anotherDatabase(t *testing.T, name string) string {
	t.Helper()
	services.Execute(t, postgres.URL(), "CREATE DATABASE "+name)
	t.Cleanup(func() { services.Execute(t, postgres.URL(), "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(postgres.URL())
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func TestWhatAReplicaHasNotReplayedIsWaitedFor(t *testing.T) {
	t.Parallel()
	schema := postgres.Schema(t)
	replica := anotherDatabase(t, "replica_of_"+schema)
	// The replica is played by a database of its own; what is applied to it here, the server would replay.
	follower := opening(func(t testing.TB) (*readmodels.DB, error) {
		return readmodels.OpenPostgres(t.Context(), replica, readmodels.Schema(schema))
	})(t)
	db := opening(func(t testing.TB) (*readmodels.DB, error) {
		return readmodels.OpenPostgres(t.Context(), postgres.URL(), readmodels.Schema(schema), readmodels.Replica(replica))
	})(t)
	insert := func(c *readmodels.Changes) { require.NoError(t, c.Insert("licenses", row(1, nil))) }
	replayed := adopt(t, follower, licenses)
	at := apply(t, db, licenses, adopt(t, db, licenses), insert)
	db.Announce(at)

	names := []string{readmodels.Licenses}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, db.WaitForPosition(ctx, names, at.Position), readmodels.ErrNotReached, "the primary's position is not the replica's")
	_, err := db.License(t.Context(), tenant, id(1))
	require.ErrorIs(t, err, readmodels.ErrNotFound, "queries go to the replica")
	code, err := db.Changes(licenses, at).Text(t.Context(), "licenses", id(1).String(), "product_code")
	require.NoError(t, err, "projections look up in the primary")
	require.Equal(t, "cad", code)
	snapshot, err := db.Snapshot(t.Context(), licenses)
	require.NoError(t, err)
	require.Equal(t, at.Position, snapshot.Position(), "snapshots are of the primary")
	require.NoError(t, snapshot.Close())
	all, err := db.Projections(t.Context())
	require.NoError(t, err)
	require.Equal(t, at.Position, all[0].Position)

	waited := make(chan error, 1)
	go func() { waited <- db.WaitForPosition(t.Context(), names, at.Position) }()
	apply(t, follower, licenses, replayed, insert)
	require.NoError(t, <-waited)
	_, err = db.License(t.Context(), tenant, id(1))
	require.NoError(t, err)
}

func TestAConnectionStringThatDoesNotWorkIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() (*readmodels.DB, error){
		"malformed": func() (*readmodels.DB, error) {
			return readmodels.OpenPostgres(t.Context(), "postgres://ada:s3cret%zz@host/db")
		},
		"malformed replica": func() (*readmodels.DB, error) {
			return readmodels.OpenPostgres(t.Context(), postgres.URL(), readmodels.Replica("postgres://ada:s3cret%zz@host/db"))
		},
		"nobody there": func() (*readmodels.DB, error) {
			return readmodels.OpenPostgres(t.Context(), "postgres://ada:s3cret@localhost:1/db")
		},
		"too few connections": func() (*readmodels.DB, error) {
			return readmodels.OpenPostgres(t.Context(), "postgres://ada:s3cret@localhost:1/db", readmodels.MaxConnections(3))
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
	schema := postgres.Schema(t)
	db, err := readmodels.OpenPostgres(t.Context(), postgres.URL()+"&application_name="+schema, readmodels.Schema(schema), readmodels.MaxConnections(16))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	adopt(t, db, licenses)
	busy := make(chan error, 100)
	for range cap(busy) {
		go func() {
			_, err := db.Licenses(t.Context(), tenant, readmodels.LicenseFilter{}, readmodels.Paging{})
			busy <- err
		}()
	}
	for range cap(busy) {
		require.NoError(t, <-busy)
	}
	conn := services.Connect(t, postgres.URL())
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	var open int
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1`, schema).Scan(&open))
	require.LessOrEqual(t, open, 16)
	require.Positive(t, open)
}

func TestOwnersThatStartTogetherLeaveOneProjection(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, open opener) {
		dbs := []*readmodels.DB{open(t), open(t), open(t), open(t)}
		adopted := make(chan readmodels.Acquired, len(dbs))
		for _, db := range dbs {
			go func() {
				a, err := db.Acquire(t.Context(), licenses, "test", noon)
				if err != nil {
					t.Error(err)
				}
				adopted <- a
			}()
		}
		epochs := map[int64]bool{}
		for range dbs {
			a := <-adopted
			require.EqualValues(t, 1, a.Generation)
			require.False(t, epochs[a.Epoch], "two owners of one epoch")
			epochs[a.Epoch] = true
		}
	})
}
