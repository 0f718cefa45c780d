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
	Machine      machine.Machine // as it was last recorded
	AsBound      *Hardware       // as it was bound, rebound or moved; nil: as Machine is
	BoundAt      time.Time
	DriftedAt    time.Time // when changed hardware was last recorded; zero: never
	MachineEvent event.Ref // the event that gave the binding its present machine
}

// Hardware is what a machine is recognised by.
type Hardware struct {
	Fingerprint machine.Fingerprint
	Hashes      machine.Hashes
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
		b.AsBound = b.Bound()
		b.Machine.Fingerprint, b.Machine.Hashes = happened.Fingerprint, happened.Components
		b.DriftedAt = happened.DriftedAt
		if happened.Moved || happened.Fingerprint == b.AsBound.Fingerprint {
			b.AsBound = nil
		}
	case MachineRebound:
		b = Binding{ID: b.ID, BoundAt: b.BoundAt, Machine: machine.Machine{
			Fingerprint: happened.Fingerprint, Hashes: happened.Components, OS: happened.OS, Name: happened.Name,
		}}
	}
	b.MachineEvent = e.Ref()
	return b
}

// Bound returns the hardware as it was bound.
func (b Binding) Bound() *Hardware {
	if b.AsBound != nil {
		return b.AsBound
	}
	return &Hardware{b.Machine.Fingerprint, b.Machine.Hashes}
}

// Knows reports whether a fingerprint is that of the machine as it was bound or as it was last recorded.
func (b Binding) Knows(f machine.Fingerprint) bool {
	return f == b.Machine.Fingerprint || b.AsBound != nil && f == b.AsBound.Fingerprint
}

// Recognition is what a presented machine is to a binding.
type Recognition struct {
	Same  bool          // it is the machine of the binding, by policy
	Moved bool          // and has changed so much since it was bound that it is another one by now
	Score machine.Score // zero when only fingerprints could be compared
}

// Recognise tells whether a presented machine is the bound one: its fingerprint is the same, or its components match by policy. It is
// held against the machine as it was bound, so that small changes do not lead to another machine step by step; only then against the
// machine as it was last recorded.
//
// A binding of an earlier version may hold placeholders and other spellings. It is compared with the machine's former identity too. That
// alone makes no two machines the same: a component that identifies must match.
func (b Binding) Recognise(presented machine.Machine, policy machine.Match) Recognition {
	bound := b.Bound()
	same, score := bound.is(presented, policy)
	if same || b.AsBound == nil {
		return Recognition{Same: same, Score: score}
	}
	if presented.Fingerprint == b.Machine.Fingerprint {
		return Recognition{Same: true, Score: score}
	}
	if same, seen := (&Hardware{b.Machine.Fingerprint, b.Machine.Hashes}).is(presented, policy); same {
		return Recognition{Same: true, Moved: true, Score: seen}
	}
	return Recognition{Score: score}
}

// is reports whether a presented machine is, by policy, one of this hardware.
func (h *Hardware) is(presented machine.Machine, policy machine.Match) (same bool, score machine.Score) {
	score = machine.Compare(h.Hashes, presented.Hashes)
	if presented.Fingerprint == h.Fingerprint {
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
	identified := score.Matched > 0 || machine.Compare(h.Hashes, former.Identifying).Matched > 0
	before := machine.Compare(h.Hashes, former.Hashes)
	return former.Fingerprint == h.Fingerprint || identified && policy.Accepts(before), before
}
