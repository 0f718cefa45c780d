package license

import (
	"cmp"
	"iter"
	"slices"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/machine"
)

// Find finds the place of a presented machine: by its fingerprint, else by its components as far as the policy allows.
func (s *Stream) Find(presented machine.Machine) (BoundMachine, bool) {
	known, found := s.recognise(presented)
	return known.BoundMachine, found
}

// recognised is a place whose machine is, by policy, the one presented.
type recognised struct {
	BoundMachine
	score machine.Score
}

// drifted reports whether the machine came back with changed hardware.
func (r recognised) drifted(presented machine.Machine) bool {
	return r.Binding.Machine.Fingerprint != presented.Fingerprint
}

// maxSharers bounds how many machines with the same component are compared with a presented machine. What more machines have in common
// is no more than a model's name, and tells none of them apart.
const maxSharers = 16

// recognise finds the place of a presented machine: by its fingerprint, else the best match of its components, the longest bound one
// where several match equally well. Of the machines that share a component it looks at those with the lowest binding ids, which are the
// longest bound: at most maxSharers.
func (s *Stream) recognise(presented machine.Machine) (recognised, bool) {
	if id, ok := s.machines.byFingerprint.first(presented.Fingerprint); ok {
		bound, _ := s.machines.get(id)
		return recognised{BoundMachine: bound}, true
	}
	if presented.Former != nil {
		former := presented.Former()
		if id, ok := s.machines.byFingerprint.first(former.Fingerprint); ok {
			bound, _ := s.machines.get(id)
			return recognised{BoundMachine: bound, score: machine.Compare(bound.Binding.Machine.Hashes, former.Hashes)}, true
		}
	}
	var best recognised
	found := false
	compared := map[uuid.UUID]bool{}
	for c := range identifying(presented) {
		sharers := 0
		for id := range s.machines.byComponent.find(c) {
			if sharers++; sharers > maxSharers {
				break
			}
			if compared[id] {
				continue
			}
			compared[id] = true
			bound, _ := s.machines.get(id)
			same, score := bound.Binding.Recognise(presented, s.Policy.FingerprintMatch)
			if same && (!found || better(bound, score, best)) {
				best, found = recognised{BoundMachine: bound, score: score}, true
			}
		}
	}
	return best, found
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

func better(h BoundMachine, score machine.Score, best recognised) bool {
	return cmp.Or(
		cmp.Compare(score.Matched, best.score.Matched),
		cmp.Compare(best.score.Of, score.Of),
		best.Binding.BoundAt.Compare(h.Binding.BoundAt),
		slices.Compare(best.Binding.ID[:], h.Binding.ID[:]),
	) > 0
}
