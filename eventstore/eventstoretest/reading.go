package eventstoretest

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

func reading() cases {
	return cases{
		"an empty ledger has head 0, no events and no streams": func(t *testing.T, h Harness) {
			head, err := h.Store.Head(t.Context())
			require.NoError(t, err)
			require.Zero(t, head)
			require.Empty(t, all(t, h.Store))
		},

		"the head is the position of the last event": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 3)
			last := fill(t, h.Store, "license-2", 2)[1].Position
			head, err := h.Store.Head(t.Context())
			require.NoError(t, err)
			require.Equal(t, last, head)
		},

		"the last event is found, whatever its position": func(t *testing.T, h Harness) {
			_, found, err := eventstore.Last(t.Context(), h.Store)
			require.NoError(t, err)
			require.False(t, found)
			fill(t, h.Store, "license-1", 3)
			for _, stream := range []string{"license-2", "license-3"} {
				events := fill(t, h.Store, stream, 2)
				last, found, err := eventstore.Last(t.Context(), h.Store)
				require.NoError(t, err)
				require.True(t, found)
				require.Equal(t, normal(events[1]), normal(last))
			}
		},

		"a stream without events is not found, wherever the read starts": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 3)
			for _, after := range []event.Revision{0, 1, math.MaxUint64} {
				events, err := collect(h.Store.ReadStream(t.Context(), "license-2", after))
				require.ErrorIs(t, err, eventstore.ErrStreamNotFound)
				require.Empty(t, events)
			}
		},

		"a stream is read in order, from after any revision to its end": func(t *testing.T, h Harness) {
			fill(t, h.Store, "before", 10)
			events := fill(t, h.Store, "license-1", 2500)
			fill(t, h.Store, "license-10", 10)
			for _, after := range []int{0, 1, 999, 1000, 1001, 1500, 2499, 2500} {
				read, err := collect(h.Store.ReadStream(t.Context(), "license-1", event.Revision(after)))
				require.NoError(t, err)
				requireSame(t, events[after:], read)
			}
			for _, after := range []event.Revision{2501, math.MaxInt64, math.MaxUint64} {
				read, err := collect(h.Store.ReadStream(t.Context(), "license-1", after))
				require.NoError(t, err)
				require.Empty(t, read)
			}
		},

		"the ledger is read in order, from after any position to its end": func(t *testing.T, h Harness) {
			events := append(fill(t, h.Store, "license-1", 1200), fill(t, h.Store, "license-2", 1300)...)
			requireSame(t, events, all(t, h.Store))
			for _, from := range []int{0, 1, 998, 999, 1000, 1500, 2498, 2499} {
				read, err := collect(h.Store.ReadAll(t.Context(), events[from].Position))
				require.NoError(t, err)
				requireSame(t, events[from+1:], read)
			}
			for _, after := range []event.Position{events[2499].Position + 1, math.MaxInt64, math.MaxUint64} {
				read, err := collect(h.Store.ReadAll(t.Context(), after))
				require.NoError(t, err)
				require.Empty(t, read)
			}
		},

		"a read whose ctx ends yields ctx's error": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 2500)
			for what, read := range map[string]func(context.Context) func(func(event.Envelope, error) bool){
				"ledger": func(ctx context.Context) func(func(event.Envelope, error) bool) { return h.Store.ReadAll(ctx, 0) },
				"stream": func(ctx context.Context) func(func(event.Envelope, error) bool) {
					return h.Store.ReadStream(ctx, "license-1", 0)
				},
			} {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				events, err := collect(read(ctx))
				require.ErrorIs(t, err, context.Canceled, what)
				require.Empty(t, events)

				ctx, cancel = context.WithCancel(t.Context())
				n := 0
				for _, err = range read(ctx) {
					if n++; n == 10 {
						cancel()
					}
				}
				cancel()
				require.ErrorIs(t, err, context.Canceled, what)
				require.Less(t, n, 2500)
			}
		},

		"a reader may stop early, and may append while it reads": func(t *testing.T, h Harness) {
			fill(t, h.Store, "license-1", 2500)
			for range h.Store.ReadAll(t.Context(), 0) {
				break
			}
			for range h.Store.ReadStream(t.Context(), "license-1", 0) {
				break
			}
			n := 0
			for _, err := range h.Store.ReadAll(t.Context(), 0) {
				require.NoError(t, err)
				if n++; n == 500 {
					fill(t, h.Store, "license-2", 2)
				}
			}
			require.GreaterOrEqual(t, n, 2500)
		},
	}
}
