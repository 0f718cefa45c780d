package eventstoretest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

func appending() cases {
	return cases{
		"an append returns where it stands and what was stored": func(t *testing.T, h Harness) {
			fill(t, h.Store, "other", 3)
			events := occurred(2)
			commit := mustAppend(t, h.Store, "license-1", 0, events)
			require.Equal(t, event.Revision(2), commit.Revision)
			require.Equal(t, commit.Events[1].Position, commit.Position)
			requireSame(t, h.placed(t, envelopes("license-1", commit.Events[0].Position, 1, events), commit.Events), commit.Events)
			requireSame(t, commit.Events, stream(t, h.Store, "license-1"))
		},

		"an append at another than the expected revision is refused and stores nothing": func(t *testing.T, h Harness) {
			before := fill(t, h.Store, "license-1", 3)
			for name, expected := range map[string]event.Revision{"license-1": 0, "license-2": 1, "license-3": 1 << 63} {
				_, err := h.Store.Append(t.Context(), name, expected, occurred(1))
				require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision, name)
			}
			for _, expected := range []event.Revision{1, 2, 4, 1<<64 - 1} {
				_, err := h.Store.Append(t.Context(), "license-1", expected, occurred(2))
				require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision, "expected %d", expected)
			}
			requireSame(t, before, all(t, h.Store))
		},

		"an append continues a stream at its revision": func(t *testing.T, h Harness) {
			first := mustAppend(t, h.Store, "license-1", 0, occurred(2))
			second := mustAppend(t, h.Store, "license-1", first.Revision, occurred(3))
			require.Equal(t, event.Revision(5), second.Revision)
			requireSame(t, append(first.Events, second.Events...), stream(t, h.Store, "license-1"))
		},

		"stream names are told apart byte for byte": func(t *testing.T, h Harness) {
			for _, name := range []string{"a", "A", "a ", "ä", "a%", "a'; DROP TABLE events; --", strings.Repeat("n", 200)} {
				events := fill(t, h.Store, name, 1)
				requireSame(t, events, stream(t, h.Store, name))
			}
		},

		"of appends racing for one revision exactly one wins": func(t *testing.T, h Harness) {
			var revision event.Revision
			for range 25 {
				results := atOnce(14, func(int) (eventstore.Commit, error) {
					return h.Store.Append(t.Context(), "license-1", revision, occurred(2))
				})
				won := 0
				for _, r := range results {
					if r.err == nil {
						won++
						revision = r.commit.Revision
						continue
					}
					require.ErrorIs(t, r.err, eventstore.ErrWrongExpectedRevision)
				}
				require.Equal(t, 1, won)
			}
			require.Len(t, all(t, h.Store), 50)
		},

		"of appends racing through two openings of the ledger exactly one wins": func(t *testing.T, h Harness) {
			stores := []eventstore.Store{h.Store, h.Reopen(t)}
			for round := range 25 {
				results := atOnce(14, func(i int) (eventstore.Commit, error) {
					return stores[i%2].Append(t.Context(), "license-1", event.Revision(round), occurred(1))
				})
				won := 0
				for _, r := range results {
					if r.err == nil {
						won++
						continue
					}
					require.ErrorIs(t, r.err, eventstore.ErrWrongExpectedRevision)
				}
				require.Equal(t, 1, won)
			}
			require.Len(t, all(t, h.Store), 25)
		},

		"the events of one append stand next to each other in the order given": func(t *testing.T, h Harness) {
			given := make([][]event.Pending, 14)
			for i := range given {
				given[i] = occurred(1 + i)
			}
			for i, r := range atOnce(len(given), func(i int) (eventstore.Commit, error) {
				return h.Store.Append(t.Context(), fmt.Sprintf("license-%d", i), 0, given[i])
			}) {
				require.NoError(t, r.err)
				read, err := collect(h.Store.ReadAll(t.Context(), h.before(t, r.commit.Events[0].Position)))
				require.NoError(t, err)
				require.Equal(t, ids(given[i]), ids(read[:len(given[i])]))
			}
		},

		"positions grow in commit order, and who has seen one has seen every smaller one": func(t *testing.T, h Harness) {
			writersDone := make(chan []appended)
			go func() {
				writersDone <- atOnce(8, func(i int) (commit eventstore.Commit, err error) {
					for n := range 20 {
						before := commit.Position
						commit, err = h.Store.Append(t.Context(), fmt.Sprintf("license-%d", i), event.Revision(n), occurred(1))
						if err == nil && commit.Position <= before {
							err = fmt.Errorf("position %d after %d", commit.Position, before)
						}
						if err != nil {
							return commit, err
						}
					}
					return commit, nil
				})
			}()
			var reads [][]event.Envelope
			for writing := true; writing; {
				select {
				case results := <-writersDone:
					for _, r := range results {
						require.NoError(t, r.err)
					}
					writing = false
				default:
					reads = append(reads, all(t, h.Store))
				}
			}
			final := all(t, h.Store)
			require.Len(t, final, 160)
			for _, read := range reads {
				requireSame(t, final[:len(read)], read)
			}
			for i := 1; i < len(final); i++ {
				require.Greater(t, final[i].Position, final[i-1].Position)
			}
		},

		"payload bytes and metadata are stored as given": func(t *testing.T, h Harness) {
			everyByte := make([]byte, 256)
			for i := range everyByte {
				everyByte[i] = byte(i)
			}
			events := occurred(5)
			events[0].Data = everyByte
			events[1].Data = []byte{}
			events[2].Data = nil
			events[3].Data = []byte(" {\"a\" : 1.0e1,\n\t\"a\":\"\\u0041\"} ")
			events[3].Metadata = event.Metadata{
				Tenant: "' OR 1=1 --", Actor: "Zoë \U0001F511", Correlation: "a\tb\r\nc", Causation: `"\x00"`, CommandID: " ", RequestHash: "\u202e",
			}
			events[3].Type = "Test.Ünusual.v1"
			events[4].Metadata = event.Metadata{}
			commit := mustAppend(t, h.Store, "license-1", 0, events)
			want := h.placed(t, envelopes("license-1", commit.Events[0].Position, 1, events), commit.Events)
			requireSame(t, want, stream(t, h.Store, "license-1"))
			requireSame(t, stream(t, h.Store, "license-1"), all(t, h.Store))
		},

		"recorded-at is kept to the microsecond, in UTC": func(t *testing.T, h Harness) {
			given := []time.Time{
				{},
				time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
				time.Date(2026, 2, 3, 4, 5, 6, 123_456_789, time.UTC),
				time.Date(2026, 2, 3, 4, 5, 6, 123_456_000, time.FixedZone("", -5*3600)),
				time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
			}
			events := occurred(len(given))
			for i, at := range given {
				events[i].RecordedAt = at
			}
			commit := mustAppend(t, h.Store, "license-1", 0, events)
			for i, e := range stream(t, h.Store, "license-1") {
				require.Equal(t, given[i].UTC().Truncate(time.Microsecond), e.RecordedAt)
				require.Equal(t, e.RecordedAt, commit.Events[i].RecordedAt)
			}
		},

		"an append may be as large as the limit, and no larger": func(t *testing.T, h Harness) {
			events := occurred(eventstore.MaxEventsPerAppend + 1)
			_, err := h.Store.Append(t.Context(), "license-1", 0, events)
			require.ErrorIs(t, err, eventstore.ErrInvalidAppend)
			require.Empty(t, all(t, h.Store))

			events = events[:eventstore.MaxEventsPerAppend]
			commit := mustAppend(t, h.Store, "license-1", 0, events)
			require.Equal(t, event.Revision(len(events)), commit.Revision)
			require.Equal(t, ids(events), ids(stream(t, h.Store, "license-1")))
			require.Equal(t, ids(events), ids(all(t, h.Store)))
		},

		"a payload may be a megabyte": func(t *testing.T, h Harness) {
			events := occurred(2)
			events[1].Data = []byte(strings.Repeat("0123456789abcdef", 1<<16))
			mustAppend(t, h.Store, "license-1", 0, events)
			require.Equal(t, events[1].Data, stream(t, h.Store, "license-1")[1].Data)
		},

		"a malformed append is refused and stores nothing": func(t *testing.T, h Harness) {
			withoutID, withoutType := occurred(2), occurred(2)
			withoutID[1].ID, withoutType[1].Type = uuid.Nil, ""
			for what, a := range map[string]struct {
				stream string
				events []event.Pending
			}{
				"no events":     {"license-1", nil},
				"no stream":     {"", occurred(1)},
				"no event id":   {"license-1", withoutID},
				"no event type": {"license-1", withoutType},
			} {
				_, err := h.Store.Append(t.Context(), a.stream, 0, a.events)
				require.ErrorIs(t, err, eventstore.ErrInvalidAppend, what)
			}
			require.Empty(t, all(t, h.Store))
		},

		"when ctx has ended before the append nothing is stored": func(t *testing.T, h Harness) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := h.Store.Append(ctx, "license-1", 0, occurred(1))
			require.ErrorIs(t, err, context.Canceled)
			require.Empty(t, all(t, h.Store))
		},

		"an acknowledged append is there when the ledger is opened again": func(t *testing.T, h Harness) {
			for i := range 5 {
				fill(t, h.Store, fmt.Sprintf("license-%d", i), 2)
			}
			before := all(t, h.Store)
			require.NoError(t, h.Store.Close())

			again := h.Reopen(t)
			requireSame(t, before, all(t, again))
			next := mustAppend(t, again, "license-0", 2, occurred(1))
			require.Greater(t, next.Position, before[len(before)-1].Position)
		},
	}
}
