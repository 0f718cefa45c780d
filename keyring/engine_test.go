package keyring_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// server is the PostgreSQL server of all tests.
var server services.Shared

// engine is a kind of keys database.
type engine struct {
	name string
	// place names a database that nobody else uses: a file or a schema.
	place func(t testing.TB) string
	// connect opens the database at a place. The caller closes it.
	connect func(t testing.TB, place string) (*keyring.Database, error)
}

var sqlite = engine{
	name:  "SQLite",
	place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "keys.db") },
	connect: func(_ testing.TB, place string) (*keyring.Database, error) {
		return keyring.OpenSQLite(context.Background(), place)
	},
}

var postgres = engine{
	name:  "PostgreSQL",
	place: server.Schema,
	connect: func(_ testing.TB, place string) (*keyring.Database, error) {
		return keyring.OpenPostgres(context.Background(), server.URL(), keyring.Schema(place))
	},
}

// onEachEngine runs a test on every kind of keys database.
func onEachEngine(t *testing.T, test func(t *testing.T, e engine)) {
	t.Parallel()
	for _, e := range []engine{sqlite, postgres} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// open opens the database at a place until the test ends.
func (e engine) open(t testing.TB, place string) *keyring.Database {
	t.Helper()
	db, err := e.connect(t, place)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
