// Package eventstoretest is the conformance suite of the event store: every sentence of the port's contract is a named case
// here, and an engine keeps the contract when [Suite] passes. [Benchmarks] measures every engine the same way.
package eventstoretest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// FaultType is the type of the events that [Faults.FailWrites] is about.
const FaultType event.Type = "test.fault.v1"

// Opener returns a new, empty ledger of the engine under test. Everything it starts ends with t.
type Opener func(t testing.TB) Harness

// Harness is one ledger of the engine under test.
type Harness struct {
	// Store is open. Its queue is small (16 appends), so that it can be filled, and it polls every few milliseconds.
	Store eventstore.Store
	// Reopen opens the same ledger once more. Store may be closed by then, or still be open: what another process
	// of the program would see.
	Reopen func(t testing.TB) eventstore.Store
	// Faults breaks the ledger from outside, as disks and networks do. [SuiteWithoutFaults] needs none.
	Faults Faults
	// SparsePositions says that positions grow, but not by one. On SQL engines they are dense.
	SparsePositions bool
}

// placed returns the events wanted with the positions of those that the engine gave when its positions are sparse: what is known
// of them is that they grow.
func (h Harness) placed(t testing.TB, want, got []event.Envelope) []event.Envelope {
	t.Helper()
	if !h.SparsePositions {
		return want
	}
	require.Len(t, got, len(want))
	want = slices.Clone(want)
	var last event.Position
	for i := range want {
		require.Greater(t, got[i].Position, last)
		want[i].Position, last = got[i].Position, got[i].Position
	}
	return want
}

// before returns the position after which an event is the first: that of the event before it, 0 when it is the first of all.
func (h Harness) before(t testing.TB, position event.Position) (last event.Position) {
	t.Helper()
	if !h.SparsePositions {
		return position - 1
	}
	for e, err := range h.Store.ReadAll(t.Context(), 0) {
		require.NoError(t, err)
		if e.Position >= position {
			break
		}
		last = e.Position
	}
	return last
}

// Faults is how the suite makes the real engine fail.
type Faults interface {
	// FailWrites makes storing an event of [FaultType] fail inside the engine, after the events before it were written,
	// until restore is called.
	FailWrites(t testing.TB) (restore func())
	// StallWrites holds up every commit until resume is called.
	StallWrites(t testing.TB) (resume func())
	// Damage makes the event at a position unreadable or missing.
	Damage(t testing.TB, position event.Position)
}
