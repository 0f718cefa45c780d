// Package storetest helps to test read models, on every engine that they can be kept in.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// Postgres is the server of a test program that runs with [Main].
var Postgres services.Shared

// Main runs the tests of a package and fails when one leaves a goroutine behind.
func Main(m *testing.M) { goleak.VerifyTestMain(Postgres.With(m)) }

// Opener opens the read models of a test, the same ones every time.
type Opener func(testing.TB) *store.DB

// InSQLite has read models in a file.
func InSQLite(t testing.TB) Opener {
	path := filepath.Join(t.TempDir(), "read models?#.db")
	return Opening(func(t testing.TB) (*store.DB, error) { return store.OpenSQLite(t.Context(), path) })
}

// InPostgres has read models in a schema of [Postgres].
func InPostgres(t testing.TB) Opener {
	schema := Postgres.Schema(t)
	return Opening(func(t testing.TB) (*store.DB, error) {
		return store.OpenPostgres(t.Context(), Postgres.URL(), store.Schema(schema))
	})
}

// Opening makes an opener whose databases are closed at the end of the test.
func Opening(open func(testing.TB) (*store.DB, error)) Opener {
	return func(t testing.TB) *store.DB {
		t.Helper()
		db, err := open(t)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}
}

// Engines are the places where read models may be.
var Engines = map[string]func(testing.TB) Opener{"SQLite": InSQLite, "PostgreSQL": InPostgres}

// OnBothEngines runs a test with the read models in SQLite and in PostgreSQL.
func OnBothEngines(t *testing.T, test func(t *testing.T, open Opener)) {
	t.Helper()
	for name, place := range Engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, place(t))
		})
	}
}
