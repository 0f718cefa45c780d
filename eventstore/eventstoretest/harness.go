// Package eventstoretest is the conformance suite of the event store: every sentence of the port's contract is a named case
// here, and an engine keeps the contract when [Suite] passes. [Benchmarks] measures every engine the same way.
package eventstoretest

import (
	"testing"

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
	// Faults breaks the ledger from outside, as disks and networks do.
	Faults Faults
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
