package sqlite_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

// logged is what a store told of itself.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) times(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func TestTheLogIsToldOfWhileAnotherProcessReadsAndEmptiedAfterwardsThoughNothingMoreIsAppended(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	path, log := filepath.Join(t.TempDir(), "ledger.db"), &logged{}
	store := openStore(t, path, sqlite.CheckpointBytes(limit), sqlite.Logger(slog.New(slog.NewTextHandler(log, nil))))
	db, reader := connect(t, path)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	reading, err := reader.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var events int
	require.NoError(t, reading.QueryRow(`SELECT count(*) FROM events`).Scan(&events))
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	for revision := event.Revision(0); size() < 8*limit; revision += 10 {
		_, err := store.Append(t.Context(), "license-1", revision, happened(10, bytes.Repeat([]byte("x"), 10_000)))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return log.times("level=WARN") == 1 }, 20*time.Second, 10*time.Millisecond)

	require.NoError(t, reading.Rollback())
	require.NoError(t, reader.Close())
	require.Eventually(t, func() bool { return size() < limit }, 20*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return log.times("level=INFO") == 1 }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, 1, log.times("level=WARN"))
}
