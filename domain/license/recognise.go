package license

import (
	"cmp"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Find finds the place of a presented machine: by its fingerprint, else by its components as far as the policy allows.
func (s *Stream) Find(presented machine.Machine) (BoundMachine, bool) {
	known, found := s.machines.recognise(presented, s.Policy.FingerprintMatch)
	return known.BoundMachine, found
}

// recognise finds the place of a presented machine, as [Stream.Find] does. A machine that has become another one since it was bound is not
// found while the licence must not move.
func (s *Stream) recognise(presented machine.Machine, now time.Time) (recognised, bool) {
	known, found := s.machines.recognise(presented, s.Policy.FingerprintMatch)
	if found && known.Moved {
		if _, err := s.move(now); err != nil {
			return recognised{}, false
		}
	}
	return known, found
}

// recognised is a place whose machine is, by policy, the one presented.
type recognised struct {
	BoundMachine
	binding.Recognition
}

// maxSharers is how many machines may share a component by which a machine is found. What more machines have in common is no more than a
// model's name, and tells none of them apart.
const maxSharers = 16

// recognise finds the place of a presented machine: by its fingerprint, else the best match of its components, the longest bound one
// where several match equally well.
func (m *machines) recognise(presented machine.Machine, policy machine.Match) (recognised, bool) {
	if id, ok := m.byFingerprint.first(presented.Fingerprint); ok {
		bound, _ := m.get(id)
		return recognised{bound, binding.Recognition{Same: true}}, true
	}
	if presented.Former != nil {
		former := presented.Former()
		if id, ok := m.byFingerprint.first(former.Fingerprint); ok {
			bound, _ := m.get(id)
			score := machine.Compare(bound.Binding.Machine.Hashes, former.Hashes)
			return recognised{bound, binding.Recognition{Same: true, Score: score}}, true
		}
	}
	var best recognised
	compared := map[uuid.UUID]bool{}
	for c := range identifying(presented) {
		for _, id := range m.sharers(c) {
			if compared[id] {
				continue
			}
			compared[id] = true
			bound, _ := m.get(id)
			if r := (recognised{bound, bound.Binding.Recognise(presented, policy)}); r.Same && r.better(best) {
				best = r
			}
		}
	}
	return best, best.Same
}

// sharers returns the bindings of the machines with a component; none when they are more than maxSharers.
func (m *machines) sharers(c component) []uuid.UUID {
	sharers := make([]uuid.UUID, 0, maxSharers)
	for id := range m.byComponent.find(c) {
		if len(sharers) == maxSharers {
			return nil
		}
		sharers = append(sharers, id)
	}
	return sharers
}

// identifying yields the components by which a machine may be found, in their present and their former spelling.
func identifying(presented machine.Machine) iter.Seq[component] {
	return func(yield func(component) bool) {
		for c := range components(presented.Hashes) {
			if !yield(c) {
				return
			}
		}
		if presented.Former == nil {
			return
		}
		for c := range components(presented.Former().Identifying) {
			if !yield(c) {
				return
			}
		}
	}
}

// better reports whether a place is likelier the machine's than another one.
func (r recognised) better(than recognised) bool {
	if !than.Same || r.Moved != than.Moved {
		return !than.Same || than.Moved
	}
	return cmp.Or(
		cmp.Compare(r.Score.Matched, than.Score.Matched),
		cmp.Compare(than.Score.Of, r.Score.Of),
		than.Binding.BoundAt.Compare(r.Binding.BoundAt),
		compareIDs(than.Binding.ID, r.Binding.ID),
	) > 0
}
