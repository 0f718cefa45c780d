package eventstoretest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

func reference() cases {
	return cases{
		"any sequence of appends, conflicts and repeats leaves what a reference model holds": func(t *testing.T, h Harness) {
			run := 0
			rapid.Check(t, func(rt *rapid.T) {
				run++
				head, err := h.Store.Head(t.Context())
				require.NoError(rt, err)
				m := model{head: head, streams: map[string][]event.Envelope{}}
				var earlier []request
				for range rapid.IntRange(1, 25).Draw(rt, "appends") {
					var r request
					if len(earlier) > 0 && rapid.IntRange(0, 3).Draw(rt, "repeat in 1 of 4") == 0 {
						r = rapid.SampledFrom(earlier).Draw(rt, "repeated")
					} else {
						r.stream = fmt.Sprintf("run-%d-%d", run, rapid.IntRange(0, 3).Draw(rt, "stream"))
						r.expected = event.Revision(len(m.streams[r.stream]))
						if rapid.IntRange(0, 3).Draw(rt, "conflict in 1 of 4") == 0 {
							r.expected = event.Revision(rapid.IntRange(0, 12).Draw(rt, "expected"))
						}
						r.events = occurred(rapid.IntRange(1, 4).Draw(rt, "events"))
					}
					earlier = append(earlier, r)

					wantErr := m.append(r)
					got, err := h.Store.Append(t.Context(), r.stream, r.expected, r.events)
					if wantErr != nil {
						require.ErrorIs(rt, err, wantErr)
						continue
					}
					require.NoError(rt, err)
					require.Equal(rt, ids(r.events), ids(got.Events))
					require.Equal(rt, r.expected+event.Revision(len(r.events)), got.Revision)
				}
				ledger, err := collect(h.Store.ReadAll(t.Context(), head))
				require.NoError(rt, err)
				requireSame(t, h.placed(t, m.ledger, ledger), ledger)
				for name, events := range m.streams {
					stored := stream(t, h.Store, name)
					requireSame(t, h.placed(t, events, stored), stored)
					require.Subset(rt, ledger, stored)
				}
			})
		},
	}
}

type request struct {
	stream   string
	expected event.Revision
	events   []event.Pending
}

// model is the contract in memory, as plainly as it can be said. Its positions are dense.
type model struct {
	head    event.Position
	ledger  []event.Envelope
	streams map[string][]event.Envelope
}

func (m *model) append(r request) error {
	current := m.streams[r.stream]
	if r.expected != event.Revision(len(current)) {
		end := int(r.expected) + len(r.events)
		if end <= len(current) && slices.Equal(ids(current[r.expected:end]), ids(r.events)) {
			return nil
		}
		return eventstore.ErrWrongExpectedRevision
	}
	added := envelopes(r.stream, m.head+event.Position(len(m.ledger))+1, r.expected+1, r.events)
	m.ledger = append(m.ledger, added...)
	m.streams[r.stream] = append(current, added...)
	return nil
}
