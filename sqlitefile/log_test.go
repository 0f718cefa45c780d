package sqlitefile_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/sqlitefile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	timeout = 20 * time.Second
	tick    = 10 * time.Millisecond
	limit   = 1 << 20
)

// written is a database file with a log that is watched, and what was told of it.
type written struct {
	t    *testing.T
	path string
	db   *sql.DB
	told *told
}

// told collects log records.
type told struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *told) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// times counts the records of a level.
func (t *told) times(level slog.Level) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Count(t.text.String(), "level="+level.String()+" ")
}

func newWritten(t *testing.T) *written {
	t.Helper()
	w := &written{t: t, path: filepath.Join(t.TempDir(), "a b.db"), told: &told{}}
	var err error
	w.db, err = sql.Open("sqlite", "file:"+w.path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=wal_autocheckpoint(0)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.db.Close()) })
	w.execute(`CREATE TABLE t (data BLOB)`)
	watched, err := sqlitefile.WatchLog(sqlitefile.LogConfig{Path: w.path, Limit: limit, Logger: slog.New(slog.NewTextHandler(w.told, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, watched.Close()) })
	return w
}

func (w *written) execute(statement string) {
	w.t.Helper()
	_, err := w.db.ExecContext(w.t.Context(), statement)
	require.NoError(w.t, err)
}

// write adds megabytes to the log.
func (w *written) write(megabytes int) {
	w.t.Helper()
	for range megabytes {
		w.execute(`INSERT INTO t VALUES (zeroblob(1000000))`)
	}
}

// read opens a transaction that holds on to what is there now, as an auditor's shell does.
func (w *written) read() (end func()) {
	w.t.Helper()
	tx, err := w.db.BeginTx(context.WithoutCancel(w.t.Context()), nil)
	require.NoError(w.t, err)
	var rows int
	require.NoError(w.t, tx.QueryRow(`SELECT count(*) FROM t`).Scan(&rows))
	return func() { require.NoError(w.t, tx.Rollback()) }
}

func (w *written) becomesSmall() {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return sqlitefile.LogSize(w.path) < limit }, timeout, tick)
}

func TestALogThatNobodyReadsIsEmptiedThoughNothingMoreIsWritten(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	w.write(8)
	require.Greater(t, sqlitefile.LogSize(w.path), int64(8*limit/2))
	w.becomesSmall()
	require.Zero(t, w.told.times(slog.LevelWarn))
}

func TestALogThatAReaderHoldsIsToldOfOnceAndEmptiedWhenTheReaderHasGone(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]func(w *written) (end func()){
		"before what is written": func(w *written) func() {
			end := w.read()
			w.write(8)
			return end
		},
		"in the midst of it": func(w *written) func() {
			w.write(1)
			end := w.read()
			w.write(8)
			return end
		},
		"at its end": func(w *written) func() {
			w.write(8)
			end := w.read()
			return end
		},
		"by several, one after the other": func(w *written) func() {
			first := w.read()
			w.write(4)
			second := w.read()
			first()
			w.write(4)
			return second
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWritten(t)
			end := held(w)
			for sqlitefile.LogSize(w.path) < limit { // it was emptied before the reader came
				end()
				end = held(w)
			}
			require.Eventually(t, func() bool { return w.told.times(slog.LevelWarn) == 1 }, timeout, tick)
			size := sqlitefile.LogSize(w.path)
			w.write(1)
			require.Greater(t, sqlitefile.LogSize(w.path), size, "a held log grows")
			require.Zero(t, w.told.times(slog.LevelInfo))
			end()
			w.becomesSmall()
			require.Eventually(t, func() bool { return w.told.times(slog.LevelInfo) == 1 }, timeout, tick)
			require.Equal(t, 1, w.told.times(slog.LevelWarn))

			end = w.read() // and once more for the next reader
			w.write(8)
			require.Eventually(t, func() bool { return w.told.times(slog.LevelWarn) == 2 }, timeout, tick)
			end()
			w.becomesSmall()
			var rows int
			require.NoError(t, w.db.QueryRow(`SELECT count(*) FROM t`).Scan(&rows))
			require.GreaterOrEqual(t, rows, 16)
		})
	}
}

func TestWritersGoOnWhileAReaderHoldsTheLog(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	end := w.read()
	defer end()
	w.write(8)
	require.Eventually(t, func() bool { return w.told.times(slog.LevelWarn) == 1 }, timeout, tick)
	for range 200 {
		began := time.Now()
		w.execute(`INSERT INTO t VALUES (1)`)
		require.Less(t, time.Since(began), time.Second)
	}
}
