package projections_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

var postgres services.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(postgres.With(m)) }

// database is a place for read models.
type database struct {
	engine string
	open   func(t testing.TB) (*store.DB, error)
	source string // for database/sql: a way in behind the program's back
	schema string // empty in SQLite
}

func sqliteDatabase(t testing.TB) database {
	path := filepath.Join(t.TempDir(), "readmodels.db")
	return database{engine: "sqlite", source: "file:" + path + "?_pragma=busy_timeout(10000)",
		open: func(t testing.TB) (*store.DB, error) {
			return store.OpenSQLite(t.Context(), path)
		}}
}

func postgresDatabase(t testing.TB) database { return schemaAt(postgres.URL(), postgres.Schema(t)) }

// schemaAt is a schema whose connections are named for it.
func schemaAt(server, schema string) database {
	return database{engine: "pgx", source: server + "&" + url.Values{"search_path": {schema}}.Encode(), schema: schema,
		open: func(t testing.TB) (*store.DB, error) {
			return store.OpenPostgres(t.Context(), server+"&application_name="+schema, store.Schema(schema))
		}}
}

// opened opens the read models until the test ends.
func (d database) opened(t testing.TB) *store.DB {
	t.Helper()
	models, err := d.open(t)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, models.Close()) })
	return models
}

// engines are the places where read models may lie.
var engines = map[string]func(testing.TB) database{"SQLite": sqliteDatabase, "PostgreSQL": postgresDatabase}

// onBothEngines runs a test with the read models in SQLite and in PostgreSQL.
func onBothEngines(t *testing.T, test func(t *testing.T, newFixture func(testing.TB) *fixture)) {
	t.Helper()
	for name, place := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(t testing.TB) *fixture { return newFixtureIn(t, place) })
		})
	}
}

// backDoor returns a way to meddle with the read models behind the program's back.
func (w *fixture) backDoor() *sql.DB {
	w.t.Helper()
	db, err := sql.Open(w.place.engine, w.place.source)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, db.Close()) })
	return db
}

func (w *fixture) execute(db *sql.DB, statement string) {
	w.t.Helper()
	_, err := db.ExecContext(w.t.Context(), statement)
	require.NoError(w.t, err, statement)
}

// fault makes a kind of statement fail, such as "UPDATE ON licenses_g1", until it is mended.
func (w *fixture) fault(db *sql.DB, on string) (repair func()) {
	w.t.Helper()
	kind, table, _ := strings.Cut(on, " ON ")
	trigger := "fault_of_" + table
	if w.place.schema == "" {
		w.execute(db, `CREATE TRIGGER `+trigger+` AFTER `+on+` BEGIN SELECT RAISE(ABORT, 'power cut'); END`)
		return func() { w.execute(db, `DROP TRIGGER `+trigger) }
	}
	w.execute(db, `CREATE OR REPLACE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE 'power cut' USING ERRCODE = 'integrity_constraint_violation'; END $$`)
	w.execute(db, `CREATE TRIGGER `+trigger+` AFTER `+kind+` ON `+table+` EXECUTE FUNCTION power_cut()`)
	return func() { w.execute(db, `DROP TRIGGER `+trigger+` ON `+table) }
}

// tablesOf lists the tables of a generation, such as "_g1".
func (w *fixture) tablesOf(generation string) []string {
	w.t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if w.place.schema != "" {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	rows, err := w.backDoor().QueryContext(w.t.Context(), query)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, rows.Close()) }()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(w.t, rows.Scan(&name))
		if strings.HasSuffix(name, generation) {
			names = append(names, name)
		}
	}
	require.NoError(w.t, rows.Err())
	return names
}
