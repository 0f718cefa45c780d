package eventstoretest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// occurred returns n new events, told apart by their ids and payloads.
func occurred(n int) []event.Pending {
	events := make([]event.Pending, n)
	for i := range events {
		id := uuid.Must(uuid.NewV7())
		events[i] = event.Pending{
			ID:         id,
			Type:       "test.happened.v1",
			RecordedAt: time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC),
			Metadata: event.Metadata{
				Tenant: "default", Actor: "admin", Correlation: "correlation-1", Causation: "causation-1",
				CommandID: id.String(), RequestHash: "5e884898da28047151d0e56f8dc62927",
			},
			Data: fmt.Appendf(nil, `{"n":%d,"id":%q,"note":"as large as a typical event of a license, about a hundred and fifty bytes"}`, i, id),
		}
	}
	return events
}

// faulty returns n new events of which the one at index i cannot be stored while [Faults.FailWrites] is in force.
func faulty(n, i int) []event.Pending {
	events := occurred(n)
	events[i].Type = FaultType
	return events
}

func mustAppend(t testing.TB, store eventstore.Store, stream string, expected event.Revision, events []event.Pending) eventstore.Commit {
	t.Helper()
	commit, err := store.Append(t.Context(), stream, expected, events)
	require.NoError(t, err)
	return commit
}

// fill appends n events to a stream that does not exist yet.
func fill(t testing.TB, store eventstore.Store, stream string, n int) []event.Envelope {
	t.Helper()
	return mustAppend(t, store, stream, 0, occurred(n)).Events
}

// all reads the whole ledger.
func all(t testing.TB, store eventstore.Store) []event.Envelope {
	t.Helper()
	events, err := collect(store.ReadAll(t.Context(), 0))
	require.NoError(t, err)
	return events
}

// stream reads a whole stream; one without events is empty.
func stream(t testing.TB, store eventstore.Store, name string) []event.Envelope {
	t.Helper()
	events, err := collect(store.ReadStream(t.Context(), name, 0))
	if err != nil {
		require.ErrorIs(t, err, eventstore.ErrStreamNotFound)
	}
	return events
}

// collect reads a sequence to its end. What was yielded before an error is returned with it.
func collect(sequence func(yield func(event.Envelope, error) bool)) ([]event.Envelope, error) {
	var events []event.Envelope
	var failed error
	for e, err := range sequence {
		if failed != nil {
			return events, fmt.Errorf("the sequence goes on after its error: %w", failed)
		}
		if failed = err; err == nil {
			events = append(events, e)
		}
	}
	return events, failed
}

// requireSame compares events as the contract does: recorded-at to the microsecond, payloads by their bytes.
func requireSame(t testing.TB, want, got []event.Envelope) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, normal(want[i]), normal(got[i]))
	}
}

func normal(e event.Envelope) event.Envelope {
	e.RecordedAt = time.UnixMicro(e.RecordedAt.UnixMicro()).UTC()
	e.Data = append([]byte{}, e.Data...)
	return e
}

// envelopes are the pending events as they should stand in the ledger.
func envelopes(name string, position event.Position, revision event.Revision, events []event.Pending) []event.Envelope {
	result := make([]event.Envelope, len(events))
	for i, p := range events {
		result[i] = event.Envelope{Position: position + event.Position(i), Stream: name, Revision: revision + event.Revision(i), Pending: p}
	}
	return result
}

func ids[E event.Pending | event.Envelope](events []E) []uuid.UUID {
	result := make([]uuid.UUID, len(events))
	for i, e := range events {
		switch e := any(e).(type) {
		case event.Pending:
			result[i] = e.ID
		case event.Envelope:
			result[i] = e.ID
		}
	}
	return result
}

type appended struct {
	commit eventstore.Commit
	err    error
}

// atOnce runs n functions at the same time and returns their results in order.
func atOnce(n int, run func(i int) (eventstore.Commit, error)) []appended {
	results := make([]appended, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			results[i].commit, results[i].err = run(i)
		})
	}
	close(start)
	group.Wait()
	return results
}
