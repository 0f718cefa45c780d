package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

func happened(n int, data []byte) []event.Pending {
	events := make([]event.Pending, n)
	for i := range events {
		events[i] = event.Pending{ID: uuid.Must(uuid.NewV7()), Type: "test.happened.v1", Data: data}
	}
	return events
}

func TestTheFileRefusesToChangeOrRemoveWhatWasAppended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	store := openStore(t, path)
	_, err := store.Append(t.Context(), "license-1", 0, happened(1, nil))
	require.NoError(t, err)
	db, conn := connect(t, path)
	for _, statement := range []string{
		`UPDATE events SET data = x'00'`, `DELETE FROM events`,
		`UPDATE streams SET name = 'license-2'`, `DELETE FROM streams`,
	} {
		_, err := conn.ExecContext(t.Context(), statement)
		require.ErrorContains(t, err, "the ledger is append-only", statement)
	}
	require.NoError(t, conn.Close())
	require.NoError(t, db.Close())
}

func TestTheFileIsForItsOwnerOnlyAndItsPathMayHoldAnyCharacter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%20&e=f", "ledger?mode=memory.db")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	store := openStore(t, path)
	_, err := store.Append(t.Context(), "license-1", 0, happened(1, nil))
	require.NoError(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), suffix)
	}
}

func TestAFileThatIsNoLedgerIsNotOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("this is not a database. ", 1000)), 0o600))
	for _, path := range []string{dir, text, filepath.Join(dir, "missing", "ledger.db")} {
		_, err := sqlite.Open(t.Context(), path)
		require.ErrorContains(t, err, path)
	}
}

func TestMetadataThatIsNotEvenTextIsKept(t *testing.T) {
	t.Parallel()
	store := openStore(t, filepath.Join(t.TempDir(), "ledger.db"))
	events := happened(1, nil)
	events[0].CommandID, events[0].Actor = "a\x00b", "\xff\xfe"
	_, err := store.Append(t.Context(), "license\x00\xff", 0, events)
	require.NoError(t, err)
	for e, err := range store.ReadStream(t.Context(), "license\x00\xff", 0) {
		require.NoError(t, err)
		require.Equal(t, "license\x00\xff", e.Stream)
		require.Equal(t, events[0].Metadata, e.Metadata)
	}
}

func TestDamageOnDiskIsReportedAsSuch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	store := openStore(t, path)
	_, err := store.Append(t.Context(), "license-1", 0, happened(3000, bytes.Repeat([]byte("x"), 200)))
	require.NoError(t, err)
	require.NoError(t, store.Close())
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	info, err := file.Stat()
	require.NoError(t, err)
	_, err = file.WriteAt(bytes.Repeat([]byte{0xA5}, 64<<10), info.Size()/2)
	require.NoError(t, err)
	require.NoError(t, file.Close())

	var read int
	var failed error
	for _, err := range openStore(t, path).ReadAll(t.Context(), 0) {
		if failed = err; err == nil {
			read++
		}
	}
	require.ErrorIs(t, failed, eventstore.ErrDamaged)
	require.Less(t, read, 3000)
}

func TestTheWriteAheadLogIsEmptiedWhileAppendsGoOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	store := openStore(t, path, sqlite.CheckpointBytes(256<<10))
	var largest int64
	for revision := event.Revision(0); ; revision += 10 {
		_, err := store.Append(t.Context(), "license-1", revision, happened(10, bytes.Repeat([]byte("x"), 1000)))
		require.NoError(t, err)
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		if info.Size() < largest {
			break
		}
		largest = info.Size()
		require.Less(t, largest, int64(64<<20), "the log is never emptied")
	}
	require.Greater(t, largest, int64(256<<10))
	events := 0
	for _, err := range store.ReadAll(t.Context(), 0) {
		require.NoError(t, err)
		events++
	}
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, int(head), events)
}

func TestAnAppendWakesSubscriptionsWithoutAPoll(t *testing.T) {
	t.Parallel()
	store := openStore(t, filepath.Join(t.TempDir(), "ledger.db"), sqlite.PollInterval(24*time.Hour))
	subscription, err := store.Subscribe(t.Context(), 0)
	require.NoError(t, err)
	for n := range 50 {
		seen := make(chan error)
		go func() {
			_, err := subscription.Next(t.Context(), 1)
			seen <- err
		}()
		_, err := store.Append(t.Context(), "license-1", event.Revision(n), happened(1, nil))
		require.NoError(t, err)
		require.NoError(t, <-seen)
	}
}
