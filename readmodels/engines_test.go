package readmodels_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/readmodels"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

var postgres services.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgres.With(m)) }

// opener opens the read models of a test, the same ones every time.
type opener func(testing.TB) *readmodels.DB

func inSQLite(t testing.TB) opener {
	path := filepath.Join(t.TempDir(), "read models?#.db")
	return opening(func(t testing.TB) (*readmodels.DB, error) { return readmodels.OpenSQLite(t.Context(), path) })
}

func inPostgres(t testing.TB) opener {
	schema := postgres.Schema(t)
	return opening(func(t testing.TB) (*readmodels.DB, error) {
		return readmodels.OpenPostgres(t.Context(), postgres.URL(), readmodels.Schema(schema))
	})
}

func opening(open func(testing.TB) (*readmodels.DB, error)) opener {
	return func(t testing.TB) *readmodels.DB {
		t.Helper()
		db, err := open(t)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}
}

// engines are the places where read models may lie.
var engines = map[string]func(testing.TB) opener{"SQLite": inSQLite, "PostgreSQL": inPostgres}

// onBothEngines runs a test with the read models in SQLite and in PostgreSQL.
func onBothEngines(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	for name, place := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, place(t))
		})
	}
}
