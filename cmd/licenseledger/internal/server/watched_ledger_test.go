package server

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// answering is a store whose appends have a given outcome.
type answering struct {
	eventstore.Store
	err error
}

func (a *answering) Append(context.Context, string, event.Revision, []event.Pending) (eventstore.Commit, error) {
	return eventstore.Commit{}, a.err
}

func TestAnAppendThatTheEngineCannotStoreIsRememberedUntilOneSucceeds(t *testing.T) {
	t.Parallel()
	store := &answering{}
	ledger := &watchedLedger{Store: store, now: func() time.Time { return time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC) }}
	require.NoError(t, ledger.writable(), "before the first")
	for _, step := range []struct {
		err      error
		writable bool
	}{
		{eventstore.ErrBusy, true},
		{fmt.Errorf("append: %w", eventstore.ErrUnavailable), false},
		{eventstore.ErrWrongExpectedRevision, false}, // which proves nothing about writing
		{context.Canceled, false},
		{nil, true},
	} {
		store.err = step.err
		_, err := ledger.Append(t.Context(), "s", 0, nil)
		require.ErrorIs(t, err, step.err)
		if step.writable {
			require.NoError(t, ledger.writable(), step.err)
		} else {
			require.ErrorContains(t, ledger.writable(), "2026-03-03T12:00:00Z", step.err)
		}
	}
}

// broken is a store that stores appends and cannot be asked for its head.
type broken struct {
	eventstore.Store
	asked int
}

func (b *broken) Head(context.Context) (event.Position, error) {
	b.asked++
	return 0, eventstore.ErrUnavailable
}

func (b *broken) Append(context.Context, string, event.Revision, []event.Pending) (eventstore.Commit, error) {
	return eventstore.Commit{}, nil
}

func TestALedgerIsAvailableForASecondAfterItAnsweredAndUntilItFails(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	store := &broken{}
	ledger := &watchedLedger{Store: store, now: func() time.Time { return at }}
	require.ErrorIs(t, ledger.available(t.Context()), eventstore.ErrUnavailable, "it has not answered yet")
	require.Equal(t, 1, store.asked)
	answer := func() {
		_, err := ledger.Append(t.Context(), "s", 0, nil)
		require.NoError(t, err)
	}
	answer()
	at = at.Add(recentAnswer - 1)
	require.NoError(t, ledger.available(t.Context()))
	require.Equal(t, 1, store.asked, "it need not be asked")
	at = at.Add(1)
	require.ErrorIs(t, ledger.available(t.Context()), eventstore.ErrUnavailable, "a second has passed")
	answer()
	_, err := ledger.Head(t.Context())
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.ErrorIs(t, ledger.available(t.Context()), eventstore.ErrUnavailable, "it failed since it answered")
}
