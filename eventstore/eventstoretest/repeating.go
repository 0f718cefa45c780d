package eventstoretest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

func repeating() cases {
	return cases{
		"appending the same events again stores nothing and returns the first commit": func(t *testing.T, h Harness) {
			fill(t, h.Store, "other", 2)
			first, second := occurred(3), occurred(2)
			commits := []eventstore.Commit{
				mustAppend(t, h.Store, "license-1", 0, first),
				mustAppend(t, h.Store, "license-1", 3, second),
			}
			fill(t, h.Store, "another", 2)
			before := all(t, h.Store)
			for i, repeated := range []eventstore.Commit{
				mustAppend(t, h.Store, "license-1", 0, first),
				mustAppend(t, h.Store, "license-1", 3, second),
			} {
				require.Equal(t, commits[i].Position, repeated.Position)
				require.Equal(t, commits[i].Revision, repeated.Revision)
				requireSame(t, commits[i].Events, repeated.Events)
			}
			requireSame(t, before, all(t, h.Store))
		},

		"the same append made many times at once is stored once and answered alike": func(t *testing.T, h Harness) {
			events := occurred(2)
			results := atOnce(14, func(int) (eventstore.Commit, error) { return h.Store.Append(t.Context(), "license-1", 0, events) })
			for _, r := range results {
				require.NoError(t, r.err)
				require.Equal(t, results[0].commit.Position, r.commit.Position)
				requireSame(t, results[0].commit.Events, r.commit.Events)
			}
			require.Len(t, all(t, h.Store), 2)
		},

		"an append that shares only some events with what is stored is a conflict": func(t *testing.T, h Harness) {
			events := occurred(3)
			mustAppend(t, h.Store, "license-1", 0, events[:2])
			swapped := []event.Pending{events[1], events[0]}
			tail := []event.Pending{events[0], occurred(1)[0]}
			for what, given := range map[string][]event.Pending{"longer": events, "swapped": swapped, "another tail": tail} {
				_, err := h.Store.Append(t.Context(), "license-1", 0, given)
				require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision, what)
			}
			_, err := h.Store.Append(t.Context(), "license-2", 2, events[:2])
			require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision, "another stream")
			require.Len(t, all(t, h.Store), 2)
		},

		"an append whose ctx ends on the way is stored whole or not at all, and repeating it leaves one copy": func(t *testing.T, h Harness) {
			stored := 0
			for round := range 60 {
				name, events := fmt.Sprintf("license-%d", round), occurred(3)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					if round%3 > 0 { // let the append get ahead, by about one read
						_, _ = h.Store.Head(t.Context())
					}
					cancel()
				}()
				commit, err := h.Store.Append(ctx, name, 0, events)
				<-ended
				if err != nil {
					require.ErrorIs(t, err, context.Canceled)
					require.Contains(t, []int{0, 3}, len(stream(t, h.Store, name)))
					commit = mustAppend(t, h.Store, name, 0, events)
				}
				stored += 3
				requireSame(t, commit.Events, stream(t, h.Store, name))
			}
			require.Len(t, all(t, h.Store), stored)
		},
	}
}
