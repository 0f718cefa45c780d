package readmodels_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// questions is what clients have the read models do.
var questions = map[string]func(ctx context.Context, db *readmodels.DB) error{
	"a list": func(ctx context.Context, db *readmodels.DB) error {
		_, err := db.Licenses(ctx, tenant, readmodels.LicenseFilter{}, readmodels.Paging{})
		return err
	},
	"one": func(ctx context.Context, db *readmodels.DB) error {
		_, err := db.License(ctx, tenant, id(1))
		return err
	},
	"the projections": func(ctx context.Context, db *readmodels.DB) error {
		_, err := db.Projections(ctx)
		return err
	},
	"a snapshot": func(ctx context.Context, db *readmodels.DB) error {
		s, err := db.Snapshot(ctx, licenses)
		if err != nil {
			return err
		}
		_, err = s.Checksum(ctx)
		_ = s.Close()
		return err
	},
	"a rebuild": func(ctx context.Context, db *readmodels.DB) error {
		return db.RequestRebuild(ctx, readmodels.Licenses, true)
	},
}

// everythingIs wants that all that may be questions of the read models fails with an error.
func everythingIs(t *testing.T, db *readmodels.DB, want error) {
	t.Helper()
	for what, ask := range questions {
		require.ErrorIs(t, ask(t.Context(), db), want, what)
	}
}

func TestAServerThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	schema := postgres.Schema(t)
	open := func(settings string) *readmodels.DB {
		return opening(func(t testing.TB) (*readmodels.DB, error) {
			return readmodels.OpenPostgres(t.Context(), postgres.URL()+settings, readmodels.Schema(schema))
		})(t)
	}
	adopt(t, open(""), licenses)
	db := open("&statement_timeout=500ms")
	locks := services.Connect(t, postgres.URL())
	_, err := locks.Exec(t.Context(), `BEGIN; LOCK TABLE `+schema+`.projections, `+schema+`.licenses_g1 IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	defer func() { require.NoError(t, locks.Close(context.WithoutCancel(t.Context()))) }()
	for what, ask := range questions {
		if what != "a snapshot" { // it may take its time
			require.ErrorIs(t, ask(t.Context(), db), readmodels.ErrUnavailable, what)
		}
	}
}

func TestAServerWithoutConnectionsToSpareIsUnavailable(t *testing.T) {
	t.Parallel()
	schema := postgres.Schema(t)
	role := "modest_" + schema
	services.Execute(t, postgres.URL(), `CREATE ROLE `+role+` LOGIN`, `CREATE SCHEMA `+schema+` AUTHORIZATION `+role)
	t.Cleanup(func() { services.Execute(t, postgres.URL(), `DROP OWNED BY `+role+` CASCADE`, `DROP ROLE `+role) })
	db, err := readmodels.OpenPostgres(t.Context(), postgres.URL()+"&user="+role, readmodels.Schema(schema))
	require.NoError(t, err)
	adopt(t, db, licenses)
	services.Execute(t, postgres.URL(), `ALTER ROLE `+role+` CONNECTION LIMIT 0`,
		`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = '`+role+`'`)
	everythingIs(t, db, readmodels.ErrUnavailable)
	require.ErrorIs(t, db.Ping(t.Context()), readmodels.ErrUnavailable)
	services.Execute(t, postgres.URL(), `ALTER ROLE `+role+` CONNECTION LIMIT -1`)
	require.ErrorIs(t, questions["one"](t.Context(), db), readmodels.ErrNotFound, "it goes on by itself")
	require.NoError(t, db.Close())
}

func TestAFileThatWasRemovedIsUnavailableRatherThanEmpty(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "readmodels.db")
	db, err := readmodels.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	adopt(t, db, licenses)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Remove(path+suffix))
	}
	for _, what := range []string{"a list", "one", "the projections", "a snapshot"} {
		require.ErrorIs(t, questions[what](t.Context(), db), readmodels.ErrUnavailable, what)
	}
	require.NoFileExists(t, path)
}
