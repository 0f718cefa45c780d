// Package binding is the aggregate of one machine that occupies, or may again occupy, a seat of a licence.
package binding

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Binding is a machine's tie to a licence. It begins with MachineBound, may drift or move, and ends with MachineReleased.
type Binding struct {
	ID           uuid.UUID
	Machine      machine.Machine
	BoundAt      time.Time
	MachineEvent event.Ref // the event that gave the binding its present machine
}

// Apply returns the binding after one of its events. MachineReleased leaves it as it was: what is released is forgotten
// by the licence, not changed.
func (b Binding) Apply(e event.Event) Binding {
	switch happened := e.Payload.(type) {
	case MachineBound:
		b = Binding{ID: happened.BindingID, BoundAt: happened.BoundAt, Machine: machine.Machine{
			Fingerprint: happened.Fingerprint, Hashes: happened.Components, OS: happened.OS, Name: happened.Name,
		}}
	case HardwareDrifted:
		b.Machine.Fingerprint, b.Machine.Hashes = happened.Fingerprint, happened.Components
	case MachineRebound:
		b.Machine = machine.Machine{
			Fingerprint: happened.Fingerprint, Hashes: happened.Components, OS: happened.OS, Name: happened.Name,
		}
	}
	b.MachineEvent = e.Ref()
	return b
}

// Recognise tells whether a presented machine is the bound one: its fingerprint is the same, or its components match by policy.
// The score is zero when only fingerprints could be compared.
//
// A binding of an earlier version may hold placeholders and other spellings. It is compared with the machine's former identity too. That
// alone makes no two machines the same: a component that identifies must match.
func (b Binding) Recognise(presented machine.Machine, policy machine.Match) (same bool, score machine.Score) {
	score = machine.Compare(b.Machine.Hashes, presented.Hashes)
	if presented.Fingerprint == b.Machine.Fingerprint {
		return true, score
	}
	if len(presented.Hashes) == 0 {
		return false, score
	}
	if policy.Accepts(score) {
		return true, score
	}
	if presented.Former == nil {
		return false, score
	}
	former := presented.Former()
	identified := score.Matched > 0 || machine.Compare(b.Machine.Hashes, former.Identifying).Matched > 0
	before := machine.Compare(b.Machine.Hashes, former.Hashes)
	return former.Fingerprint == b.Machine.Fingerprint || identified && policy.Accepts(before), before
}
