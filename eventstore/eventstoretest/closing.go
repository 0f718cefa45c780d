package eventstoretest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/eventstore"
)

func closing() cases {
	return cases{
		"closing finishes appends that were taken up and refuses the others without storing them": func(t *testing.T, h Harness) {
			const clients = 12
			reached := make(chan struct{}, clients)
			done := make(chan []appended)
			go func() {
				done <- atOnce(clients, func(i int) (eventstore.Commit, error) {
					var stored eventstore.Commit
					for n := 0; ; n++ {
						commit, err := h.Store.Append(t.Context(), fmt.Sprintf("license-%d", i), stored.Revision, occurred(2))
						if err != nil {
							return stored, err
						}
						stored = commit
						if n == 3 {
							reached <- struct{}{}
						}
					}
				})
			}()
			for range clients {
				<-reached
			}
			require.NoError(t, h.Store.Close())
			results := <-done
			again := h.Reopen(t)
			for i, r := range results {
				require.ErrorIs(t, r.err, eventstore.ErrClosed)
				require.Len(t, stream(t, again, fmt.Sprintf("license-%d", i)), int(r.commit.Revision))
			}
		},

		"closing ends subscriptions that wait": func(t *testing.T, h Harness) {
			waiting := make(chan error)
			for range 3 {
				subscription := subscribe(t, h.Store, 0)
				go func() {
					_, err := subscription.Next(t.Context(), 1)
					waiting <- err
				}()
			}
			exported, err := h.Store.Exports().Subscribe(t.Context(), 0)
			require.NoError(t, err)
			go func() {
				_, err := exported.Next(t.Context(), 1)
				waiting <- err
			}()
			require.NoError(t, h.Store.Close())
			for range 4 {
				require.ErrorIs(t, <-waiting, eventstore.ErrClosed)
			}
		},

		"a closed store answers closed, and may be closed again": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 1)
			subscription := subscribe(t, h.Store, 0)
			require.NoError(t, h.Store.Close())
			_, err := h.Store.Append(t.Context(), "license-1", 1, occurred(1))
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = h.Store.Head(t.Context())
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = collect(h.Store.ReadAll(t.Context(), 0))
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = collect(h.Store.ReadStream(t.Context(), "license-1", 0))
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = h.Store.Subscribe(t.Context(), 0)
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = collect(h.Store.Exports().ReadAll(t.Context(), 0))
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = h.Store.Exports().Subscribe(t.Context(), 0)
			require.ErrorIs(t, err, eventstore.ErrClosed)
			_, err = subscription.Next(t.Context(), 1)
			require.ErrorIs(t, err, eventstore.ErrClosed)
			require.NoError(t, h.Store.Close())
			require.Len(t, all(t, h.Reopen(t)), 1)
		},
	}
}
