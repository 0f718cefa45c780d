package groupcommit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
)

// ledger is what is stored, in memory.
type ledger struct {
	head    event.Position
	streams map[string][]event.Envelope
}

func (l *ledger) stored() groupcommit.Stored {
	revisions := map[string]event.Revision{}
	for name, events := range l.streams {
		revisions[name] = event.Revision(len(events))
	}
	return groupcommit.Stored{Head: l.head, Revisions: revisions,
		Slice: func(stream string, after event.Revision, n int) ([]event.Envelope, error) {
			events := l.streams[stream][after:]
			return append([]event.Envelope(nil), events[:min(n, len(events))]...), nil
		}}
}

// write decides a batch and stores what it inserts.
func (l *ledger) write(t require.TestingT, batch ...groupcommit.Append) []groupcommit.Outcome {
	decision, err := groupcommit.Resolve(batch, l.stored())
	require.NoError(t, err)
	for _, run := range decision.Inserts {
		for _, e := range run {
			l.head++
			require.Equal(t, l.head, e.Position)
			require.Equal(t, event.Revision(len(l.streams[e.Stream])+1), e.Revision)
			l.streams[e.Stream] = append(l.streams[e.Stream], e)
		}
	}
	return decision.Outcomes
}

func empty() *ledger { return &ledger{streams: map[string][]event.Envelope{}} }

func TestAnAppendSeesWhatThoseBeforeItInTheBatchWillHaveStored(t *testing.T) {
	t.Parallel()
	l, first, second := empty(), occurred(2), occurred(1)
	outcomes := l.write(t,
		groupcommit.Append{Stream: "a", Expected: 0, Events: first},
		groupcommit.Append{Stream: "a", Expected: 0, Events: occurred(1)}, // too late
		groupcommit.Append{Stream: "a", Expected: 2, Events: second},
		groupcommit.Append{Stream: "a", Expected: 0, Events: first},                    // a repeat
		groupcommit.Append{Stream: "a", Expected: 0, Events: append(first, second[0])}, // a repeat of both
	)
	require.NoError(t, outcomes[0].Err)
	require.ErrorIs(t, outcomes[1].Err, eventstore.ErrWrongExpectedRevision)
	require.Equal(t, event.Revision(3), outcomes[2].Commit.Revision)
	require.Equal(t, outcomes[0].Commit, outcomes[3].Commit)
	require.Equal(t, event.Position(3), outcomes[4].Commit.Position)
	require.Len(t, outcomes[4].Commit.Events, 3)
	require.Len(t, l.streams["a"], 3)
}

func TestARepeatMayReachFromWhatIsStoredIntoTheBatch(t *testing.T) {
	t.Parallel()
	l, events := empty(), occurred(3)
	l.write(t, groupcommit.Append{Stream: "a", Expected: 0, Events: events[:2]})
	outcomes := l.write(t,
		groupcommit.Append{Stream: "a", Expected: 2, Events: events[2:]},
		groupcommit.Append{Stream: "a", Expected: 1, Events: events[1:]},
	)
	require.NoError(t, outcomes[1].Err)
	require.Equal(t, event.Position(3), outcomes[1].Commit.Position)
	require.Len(t, l.streams["a"], 3)
}

func TestABatchIsNotDecidedWhenWhatIsStoredCannotBeRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := groupcommit.Resolve(
		[]groupcommit.Append{{Stream: "a", Expected: 0, Events: occurred(1)}},
		groupcommit.Stored{Head: 1, Revisions: map[string]event.Revision{"a": 1},
			Slice: func(string, event.Revision, int) ([]event.Envelope, error) {
				return nil, broken
			}},
	)
	require.ErrorIs(t, err, broken)
}

func TestABatchIsDecidedLikeItsAppendsOneByOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		batched, single := empty(), empty()
		var earlier []groupcommit.Append
		for range rapid.IntRange(1, 4).Draw(t, "batches") {
			var batch []groupcommit.Append
			for range rapid.IntRange(1, 8).Draw(t, "appends") {
				a := groupcommit.Append{
					Stream:   fmt.Sprintf("s%d", rapid.IntRange(0, 2).Draw(t, "stream")),
					Expected: event.Revision(rapid.IntRange(0, 8).Draw(t, "expected")),
					Events:   occurred(rapid.IntRange(1, 3).Draw(t, "events")),
				}
				if len(earlier) > 0 && rapid.Bool().Draw(t, "repeat") {
					a = rapid.SampledFrom(earlier).Draw(t, "repeated")
				}
				batch, earlier = append(batch, a), append(earlier, a)
			}
			outcomes := batched.write(t, batch...)
			for i, a := range batch {
				alone := single.write(t, a)[0]
				require.Equal(t, alone.Commit, outcomes[i].Commit)
				require.Equal(t, alone.Err == nil, outcomes[i].Err == nil)
			}
		}
		require.Equal(t, single, batched)
	})
}
