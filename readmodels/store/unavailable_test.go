package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/storetest"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// questions is what clients have the read models do.
var questions = map[string]func(ctx context.Context, db *store.DB) error{
	"a list": func(ctx context.Context, db *store.DB) error {
		_, err := licenses.New(db).List(ctx, storetest.Tenant, licenses.Filter{}, store.Paging{})
		return err
	},
	"one": func(ctx context.Context, db *store.DB) error {
		_, err := licenses.New(db).Find(ctx, storetest.Tenant, storetest.ID(1))
		return err
	},
	"the projections": func(ctx context.Context, db *store.DB) error {
		_, err := db.Projections(ctx)
		return err
	},
	"a snapshot": func(ctx context.Context, db *store.DB) error {
		s, err := db.Snapshot(ctx, licenses.Definition)
		if err != nil {
			return err
		}
		_, err = s.Checksum(ctx)
		_ = s.Close()
		return err
	},
	"a rebuild": func(ctx context.Context, db *store.DB) error {
		return db.RequestRebuild(ctx, licenses.Definition.Name, true)
	},
}

// everythingIs wants that all that may be questions of the read models fails with an error.
func everythingIs(t *testing.T, db *store.DB, want error) {
	t.Helper()
	for what, ask := range questions {
		require.ErrorIs(t, ask(t.Context(), db), want, what)
	}
}

func TestAServerThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	open := func(settings string) *store.DB {
		return storetest.Opening(func(t testing.TB) (*store.DB, error) {
			return store.OpenPostgres(t.Context(), storetest.Postgres.URL()+settings, store.Schema(schema))
		})(t)
	}
	storetest.Adopt(t, open(""), licenses.Definition)
	db := open("&statement_timeout=500ms")
	locks := services.Connect(t, storetest.Postgres.URL())
	_, err := locks.Exec(t.Context(), `BEGIN; LOCK TABLE `+schema+`.projections, `+schema+`.licenses_g1 IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	defer func() { require.NoError(t, locks.Close(context.WithoutCancel(t.Context()))) }()
	for what, ask := range questions {
		if what != "a snapshot" { // it may take its time
			require.ErrorIs(t, ask(t.Context(), db), store.ErrUnavailable, what)
		}
	}
}

func TestAServerWithoutConnectionsToSpareIsUnavailable(t *testing.T) {
	t.Parallel()
	schema := storetest.Postgres.Schema(t)
	role := "modest_" + schema
	services.Execute(t, storetest.Postgres.URL(), `CREATE ROLE `+role+` LOGIN`, `CREATE SCHEMA `+schema+` AUTHORIZATION `+role)
	t.Cleanup(func() {
		services.Execute(t, storetest.Postgres.URL(), `DROP OWNED BY `+role+` CASCADE`, `DROP ROLE `+role)
	})
	db, err := store.OpenPostgres(t.Context(), storetest.Postgres.URL()+"&user="+role, store.Schema(schema))
	require.NoError(t, err)
	storetest.Adopt(t, db, licenses.Definition)
	services.Execute(t, storetest.Postgres.URL(), `ALTER ROLE `+role+` CONNECTION LIMIT 0`,
		`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '`+role+`'`)
	everythingIs(t, db, store.ErrUnavailable)
	require.ErrorIs(t, db.Ping(t.Context()), store.ErrUnavailable)
	services.Execute(t, storetest.Postgres.URL(), `ALTER ROLE `+role+` CONNECTION LIMIT -1`)
	require.ErrorIs(t, questions["one"](t.Context(), db), store.ErrNotFound, "it goes on by itself")
	require.NoError(t, db.Close())
}

func TestAFileThatWasRemovedIsUnavailableRatherThanEmpty(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "readmodels.db")
	db, err := store.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	storetest.Adopt(t, db, licenses.Definition)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Remove(path+suffix))
	}
	for _, what := range []string{"a list", "one", "the projections", "a snapshot"} {
		require.ErrorIs(t, questions[what](t.Context(), db), store.ErrUnavailable, what)
	}
	require.NoFileExists(t, path)
}
