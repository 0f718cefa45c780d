package runtime

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// growingLedger is a ledger that grows event by event and may break off.
type growingLedger struct {
	eventstore.Store
	events []event.Envelope
	broken int // after how many events; 0: never
}

func (l *growingLedger) Head(context.Context) (event.Position, error) {
	return event.Position(len(l.events)), nil
}

func (l *growingLedger) ReadAll(_ context.Context, after event.Position) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		for i, e := range l.events[after:] {
			if l.broken > 0 && i == l.broken {
				yield(event.Envelope{}, eventstore.ErrUnavailable)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// add appends n events.
func (l *growingLedger) add(stream, command string, n int) {
	for range n {
		l.events = append(l.events, event.Envelope{
			Position: event.Position(len(l.events) + 1), Stream: stream, Pending: event.Pending{Metadata: event.Metadata{CommandID: command}},
		})
	}
}

// A licence that was read between the two events of an activation would have a machine without an activation.
func TestWhatWasAppendedTogetherIsAppliedTogether(t *testing.T) {
	t.Parallel()
	ledger := &growingLedger{}
	var applied [][]event.Position
	i := newReadIndex(ledger, 0, nil, func(commit []event.Envelope) {
		var positions []event.Position
		for _, e := range commit {
			positions = append(positions, e.Position)
		}
		applied = append(applied, positions)
	})
	ledger.add("license-a", "1", 2)
	ledger.add("license-b", "1", 1)
	ledger.add("license-a", "2", 1)
	ledger.add("license-a", "3", 2)

	ledger.broken = 5
	require.ErrorIs(t, i.sync(t.Context()), eventstore.ErrUnavailable)
	require.Equal(t, [][]event.Position{{1, 2}, {3}, {4}}, applied, "of the last append only a part was read")

	ledger.broken, applied = 0, slices.Delete(applied, 0, 3)
	require.NoError(t, i.sync(t.Context()))
	require.Equal(t, [][]event.Position{{5, 6}}, applied)
	require.NoError(t, i.sync(t.Context()))
	require.Len(t, applied, 1, "nothing is applied twice")
}

func TestNothingIsAnsweredFromEventsThatTheLedgerHasLost(t *testing.T) {
	t.Parallel()
	ledger := &growingLedger{}
	i := newReadIndex(ledger, 0, nil, func([]event.Envelope) {})
	ledger.add("license-a", "1", 3)
	require.NoError(t, i.sync(t.Context()))
	ledger.events = ledger.events[:2]
	require.ErrorIs(t, i.sync(t.Context()), eventstore.ErrUnavailable)
}
