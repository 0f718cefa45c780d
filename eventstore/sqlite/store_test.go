package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoretest"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	eventstoretest.Suite(t, openHarness)
}

func BenchmarkStore(b *testing.B) {
	eventstoretest.Benchmarks(b, func(t testing.TB) eventstoretest.Harness {
		return eventstoretest.Harness{Store: openStore(t, filepath.Join(t.TempDir(), "ledger.db"))}
	})
}

func TestFastExportsKeepNobodyWaiting(t *testing.T) { eventstoretest.FastExports(t, openHarness) }

func openHarness(t testing.TB) eventstoretest.Harness {
	path := filepath.Join(t.TempDir(), "ledger.db")
	small := []sqlite.Option{sqlite.QueueCapacity(16), sqlite.PollInterval(5 * time.Millisecond)}
	return eventstoretest.Harness{
		Store:  openStore(t, path, small...),
		Reopen: func(t testing.TB) eventstore.Store { return openStore(t, path, small...) },
		Faults: faults{path},
	}
}

func openStore(t testing.TB, path string, options ...sqlite.Option) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, options...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// faults breaks a ledger through a connection of its own.
type faults struct{ path string }

func (f faults) FailWrites(t testing.TB) (restore func()) {
	execute(t, f.path, `
		CREATE TRIGGER fault BEFORE INSERT ON events WHEN NEW.type = '`+string(eventstoretest.FaultType)+`'
		BEGIN SELECT RAISE(ABORT, 'this disk is broken'); END`)
	return func() { execute(t, f.path, `DROP TRIGGER fault`) }
}

func (f faults) StallWrites(t testing.TB) (resume func()) {
	db, conn := connect(t, f.path)
	_, err := conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	return func() {
		_, err := conn.ExecContext(t.Context(), `ROLLBACK`)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		require.NoError(t, db.Close())
	}
}

func (f faults) Damage(t testing.TB, position event.Position) {
	execute(t, f.path,
		`DROP TRIGGER events_are_never_removed`,
		`DELETE FROM events WHERE position = `+strconv.FormatUint(uint64(position), 10))
}

// execute runs statements as another process would.
func execute(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, conn := connect(t, path)
	for _, s := range statements {
		_, err := conn.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close())
	require.NoError(t, db.Close())
}

func connect(t testing.TB, path string) (*sql.DB, *sql.Conn) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	conn, err := db.Conn(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	return db, conn
}
