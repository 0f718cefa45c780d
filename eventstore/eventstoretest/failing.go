package eventstoretest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// failing has the cases that break something through [Faults].
func failing() cases {
	return cases{
		"a losing append does not disturb others committed with it": func(t *testing.T, h Harness) {
			taken := fill(t, h.Store, "taken", 1)
			resume := h.Faults.StallWrites(t)
			done := make(chan []appended)
			go func() {
				done <- atOnce(14, func(i int) (eventstore.Commit, error) {
					if i%2 == 0 {
						return h.Store.Append(t.Context(), "taken", 0, occurred(1))
					}
					return h.Store.Append(t.Context(), fmt.Sprintf("free-%d", i), 0, occurred(2))
				})
			}()
			resume()
			for i, r := range <-done {
				if i%2 == 0 {
					require.ErrorIs(t, r.err, eventstore.ErrWrongExpectedRevision)
					continue
				}
				require.NoError(t, r.err)
				requireSame(t, r.commit.Events, stream(t, h.Store, fmt.Sprintf("free-%d", i)))
			}
			requireSame(t, taken, stream(t, h.Store, "taken"))
		},

		"a full queue answers busy, stores nothing of what it refused and all of what it took": func(t *testing.T, h Harness) {
			resume := h.Faults.StallWrites(t)
			results := make(chan appended)
			started, finished, busy := 0, 0, 0
			for busy == 0 {
				name := fmt.Sprintf("license-%d", started)
				started++
				go func() {
					commit, err := h.Store.Append(t.Context(), name, 0, occurred(1))
					results <- appended{commit, err}
				}()
				select {
				case r := <-results:
					finished++
					require.ErrorIs(t, r.err, eventstore.ErrBusy)
					busy++
				default:
				}
				require.Less(t, started, 100_000, "the queue has no bound")
			}
			resume()
			for ; finished < started; finished++ {
				if r := <-results; r.err != nil {
					require.ErrorIs(t, r.err, eventstore.ErrBusy)
					busy++
				}
			}
			require.Len(t, all(t, h.Store), started-busy)
			fill(t, h.Store, "afterwards", 1)
		},

		"an append that fails midway stores nothing, says unavailable, and can be repeated": func(t *testing.T, h Harness) {
			before := fill(t, h.Store, "license-1", 2)
			restore := h.Faults.FailWrites(t)
			events := faulty(200, 150)
			for range 3 {
				_, err := h.Store.Append(t.Context(), "license-1", 2, events)
				require.ErrorIs(t, err, eventstore.ErrUnavailable)
				requireSame(t, before, all(t, h.Store))
			}
			// The engine is not stuck with what failed.
			other := fill(t, h.Store, "license-2", 1)
			restore()

			commit := mustAppend(t, h.Store, "license-1", 2, events)
			requireSame(t, append(append(before, other...), commit.Events...), all(t, h.Store))
			require.Equal(t, ids(events), ids(commit.Events))
		},

		"of a batch that fails midway no append is half stored, and repeating each leaves one copy": func(t *testing.T, h Harness) {
			restore := h.Faults.FailWrites(t)
			resume := h.Faults.StallWrites(t)
			given := make([][]event.Pending, 10)
			for i := range given {
				given[i] = occurred(3)
			}
			given[5] = faulty(3, 1)
			try := func(i int) (eventstore.Commit, error) {
				return h.Store.Append(t.Context(), fmt.Sprintf("license-%d", i), 0, given[i])
			}
			done := make(chan []appended)
			go func() { done <- atOnce(len(given), try) }()
			resume()
			stored := 0
			for i, r := range <-done {
				n := len(stream(t, h.Store, fmt.Sprintf("license-%d", i)))
				if r.err == nil {
					require.Equal(t, 3, n)
					stored += 3
					continue
				}
				require.ErrorIs(t, r.err, eventstore.ErrUnavailable)
				require.Zero(t, n)
			}
			require.Len(t, all(t, h.Store), stored)
			restore()

			for i, r := range atOnce(len(given), try) {
				require.NoError(t, r.err)
				requireSame(t, r.commit.Events, stream(t, h.Store, fmt.Sprintf("license-%d", i)))
			}
			require.Len(t, all(t, h.Store), 3*len(given))
		},

		"a read of the ledger that fails midway is an error, never an early end": func(t *testing.T, h Harness) {
			events := fill(t, h.Store, "license-1", 2500)
			h.Faults.Damage(t, events[1999].Position)
			read, err := collect(h.Store.ReadAll(t.Context(), 0))
			require.Error(t, err)
			require.Less(t, len(read), 2000)
			requireSame(t, events[:len(read)], read)
		},

		"an event missing right where a read starts is an error": func(t *testing.T, h Harness) {
			events := fill(t, h.Store, "license-1", 3)
			fill(t, h.Store, "license-2", 1)
			h.Faults.Damage(t, events[2].Position)
			_, err := collect(h.Store.ReadAll(t.Context(), events[1].Position))
			require.Error(t, err)
		},

		"a read of a stream that fails midway is an error, never an early end": func(t *testing.T, h Harness) {
			events := fill(t, h.Store, "license-1", 2500)
			h.Faults.Damage(t, events[1999].Position)
			read, err := collect(h.Store.ReadStream(t.Context(), "license-1", 0))
			require.Error(t, err)
			require.NotErrorIs(t, err, eventstore.ErrStreamNotFound)
			require.Less(t, len(read), 2000)
			requireSame(t, events[:len(read)], read)
		},

		"a subscription that meets damage fails there each time and skips nothing": func(t *testing.T, h Harness) {
			events := fill(t, h.Store, "license-1", 20)
			h.Faults.Damage(t, events[10].Position)
			subscription := subscribe(t, h.Store, 0)
			var seen []event.Envelope
			var err error
			for err == nil {
				var next []event.Envelope
				next, err = subscription.Next(t.Context(), 3)
				seen = append(seen, next...)
			}
			require.LessOrEqual(t, len(seen), 10)
			requireSame(t, events[:len(seen)], seen)
			_, again := subscription.Next(t.Context(), 1000)
			require.Error(t, again)
			require.NotErrorIs(t, again, eventstore.ErrClosed)
		},
	}
}
