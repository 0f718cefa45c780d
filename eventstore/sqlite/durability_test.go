package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
)

// These tests are inside the package: they need the connection that writes.

func TestAConnectionThatIsNotFullyDurableIsRefused(t *testing.T) {
	t.Parallel()
	for pragma, refusal := range map[string]string{
		"synchronous = NORMAL":  "synchronous is 1, not FULL",
		"synchronous = OFF":     "synchronous is 0, not FULL",
		"journal_mode = DELETE": `journal mode "delete", not WAL`,
	} {
		db, err := openWriting(filepath.Join(t.TempDir(), "ledger.db"))
		require.NoError(t, err)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, requireDurable(t.Context(), conn))
		_, err = conn.ExecContext(t.Context(), "PRAGMA "+pragma)
		require.NoError(t, err)
		require.ErrorContains(t, requireDurable(t.Context(), conn), refusal)
		require.NoError(t, conn.Close())
		require.NoError(t, db.Close())
	}
}

func TestAFullDiskFailsAppendsUntilThereIsRoomAgain(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	large := func(n int) []event.Pending {
		events := make([]event.Pending, n)
		for i := range events {
			events[i] = event.Pending{ID: uuid.Must(uuid.NewV7()), Type: "test.happened.v1", Data: make([]byte, 10_000)}
		}
		return events
	}
	_, err = store.Append(t.Context(), "before", 0, large(1))
	require.NoError(t, err)

	// Nothing else writes: the connection may be used beside the batcher.
	var pages int
	require.NoError(t, store.writer.conn.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages))
	_, err = store.writer.conn.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+10))
	require.NoError(t, err)
	events := large(100)
	_, err = store.Append(t.Context(), "during", 0, events)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.ErrorContains(t, err, "full")
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, event.Position(1), head)

	commit, err := store.Append(t.Context(), "during", 0, events) // a new connection has no limit
	require.NoError(t, err)
	require.Equal(t, event.Position(101), commit.Position)
}

func TestALostConnectionFailsOneBatchAndIsReplaced(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	require.NoError(t, store.writer.conn.Close())
	batch := []groupcommit.Append{{Stream: "license-1", Events: []event.Pending{{ID: uuid.Must(uuid.NewV7()), Type: "test.happened.v1"}}}}
	for attempt, fails := range []bool{true, false} {
		_, err := store.Append(context.WithoutCancel(t.Context()), batch[0].Stream, 0, batch[0].Events)
		require.Equal(t, fails, err != nil, "attempt %d: %v", attempt, err)
	}
}
