package eventstoretest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

func epoch(installation uuid.UUID, after event.Position, reason eventstore.EpochReason) eventstore.Epoch {
	return eventstore.Epoch{
		Installation: installation, ID: uuid.Must(uuid.NewV7()), After: after, Reason: reason,
		BeganAt: time.Date(2026, 3, 4, 5, 6, 7, 890_123_000, time.UTC),
	}
}

func epochs() cases {
	return cases{
		"a new ledger has no epoch, and epochs are returned as they began, oldest first": func(t *testing.T, h Harness) {
			found, err := h.Store.Epochs(t.Context())
			require.NoError(t, err)
			require.Empty(t, found)
			require.Zero(t, eventstore.Current(found))
			first := epoch(uuid.New(), 0, eventstore.EpochCreated)
			require.NoError(t, h.Store.BeginEpoch(t.Context(), uuid.Nil, first))
			second := epoch(first.Installation, 17, eventstore.EpochRestored)
			require.NoError(t, h.Store.BeginEpoch(t.Context(), first.ID, second))
			found, err = h.Store.Epochs(t.Context())
			require.NoError(t, err)
			require.Equal(t, []eventstore.Epoch{first, second}, found)
			require.NoError(t, h.Store.Close())
			found, err = h.Reopen(t).Epochs(t.Context())
			require.NoError(t, err)
			require.Equal(t, []eventstore.Epoch{first, second}, found)
			require.Equal(t, second, eventstore.Current(found))
		},
		"an epoch begins only in the epoch that the caller names": func(t *testing.T, h Harness) {
			first := epoch(uuid.New(), 0, eventstore.EpochCreated)
			require.ErrorIs(t, h.Store.BeginEpoch(t.Context(), uuid.New(), first), eventstore.ErrWrongEpoch)
			require.NoError(t, h.Store.BeginEpoch(t.Context(), uuid.Nil, first))
			for _, wrong := range []uuid.UUID{uuid.Nil, uuid.New()} {
				require.ErrorIs(t, h.Store.BeginEpoch(t.Context(), wrong, epoch(first.Installation, 1, eventstore.EpochAccepted)),
					eventstore.ErrWrongEpoch)
			}
			found, err := h.Store.Epochs(t.Context())
			require.NoError(t, err)
			require.Equal(t, []eventstore.Epoch{first}, found)
		},
		"of several that begin an epoch at once exactly one succeeds": func(t *testing.T, h Harness) {
			const racers = 8
			others := h.Reopen(t)
			failures := make(chan error, racers)
			for i := range racers {
				store := h.Store
				if i%2 == 1 {
					store = others
				}
				go func() {
					failures <- store.BeginEpoch(t.Context(), uuid.Nil, epoch(uuid.New(), 0, eventstore.EpochCreated))
				}()
			}
			won := 0
			for range racers {
				if err := <-failures; err == nil {
					won++
				} else {
					require.ErrorIs(t, err, eventstore.ErrWrongEpoch)
				}
			}
			require.Equal(t, 1, won)
			found, err := h.Store.Epochs(t.Context())
			require.NoError(t, err)
			require.Len(t, found, 1)
		},
		"epochs are not events": func(t *testing.T, h Harness) {
			before, err := h.Store.Append(t.Context(), "license-1", 0, occurred(1))
			require.NoError(t, err)
			require.NoError(t, h.Store.BeginEpoch(t.Context(), uuid.Nil, epoch(uuid.New(), before.Position, eventstore.EpochAdopted)))
			head, err := h.Store.Head(t.Context())
			require.NoError(t, err)
			require.Equal(t, before.Position, head)
			after, err := h.Store.Append(t.Context(), "license-1", 1, occurred(1))
			require.NoError(t, err)
			if !h.SparsePositions {
				require.Equal(t, before.Position+1, after.Position)
			}
			requireSame(t, append(before.Events, after.Events...), all(t, h.Store))
		},
		"the event at a position is read, and a position without one is not found": func(t *testing.T, h Harness) {
			commit, err := h.Store.Append(t.Context(), "license-1", 0, occurred(3))
			require.NoError(t, err)
			for _, e := range commit.Events {
				found, err := h.Store.ReadEvent(t.Context(), e.Position)
				require.NoError(t, err)
				requireSame(t, []event.Envelope{e}, []event.Envelope{found})
			}
			for _, none := range []event.Position{0, commit.Position + 1, commit.Position + 1_000_000} {
				_, err := h.Store.ReadEvent(t.Context(), none)
				require.ErrorIs(t, err, eventstore.ErrEventNotFound)
			}
		},
	}
}
