package license

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

const prefix aggregate.Prefix = "license-"

// Aggregate defines the licence with all that shares its stream.
func Aggregate() aggregate.Definition[Stream] {
	return aggregate.Definition[Stream]{Prefix: prefix, Fold: Fold, NotFound: ErrNotFound}
}

// StreamName names a licence's stream.
func StreamName(id uuid.UUID) string { return prefix.Stream(id) }

// IDOf returns the licence whose stream it is; ok is false for another kind of stream.
func IDOf(stream string) (id uuid.UUID, ok bool) { return prefix.ID(stream) }

// Stream is one licence with everything that hangs on it, folded from its events. It is immutable: [Fold] returns a new
// one, so that readers never wait for writers. A nil Stream is a licence that does not exist.
type Stream struct {
	License
	stream        event.StreamState
	machines      map[uuid.UUID]BoundMachine // by binding id
	byActivation  map[uuid.UUID]uuid.UUID
	byFingerprint map[machine.Fingerprint]uuid.UUID
	seatsUsed     int
	nextDue       time.Time
}

// BoundMachine is a machine's place at a licence: its binding and its activation. It has a seat while the activation is ACTIVE.
type BoundMachine struct {
	Binding    binding.Binding
	Activation activation.Activation
}

// Fold returns the stream after further events. The given one is left as it is.
func Fold(s *Stream, events ...event.Event) (*Stream, error) {
	next := s.clone()
	for _, e := range events {
		if err := next.apply(e); err != nil {
			return nil, err
		}
		next.stream = next.stream.Advance(e.Envelope)
	}
	next.nextDue = next.earliestDue()
	return next, nil
}

func (s *Stream) clone() *Stream {
	if s == nil {
		return &Stream{
			machines:      map[uuid.UUID]BoundMachine{},
			byActivation:  map[uuid.UUID]uuid.UUID{},
			byFingerprint: map[machine.Fingerprint]uuid.UUID{},
		}
	}
	next := *s
	next.machines = maps.Clone(s.machines)
	next.byActivation = maps.Clone(s.byActivation)
	next.byFingerprint = maps.Clone(s.byFingerprint)
	return &next
}

func (s *Stream) apply(e event.Event) error {
	switch happened := e.Payload.(type) {
	case Issued, ValidityStarted, Suspended, Reinstated, Renewed, Expired, ExpiryUndone, Revoked, KeyReissued:
		s.License = s.License.Apply(e)
	case binding.MachineBound:
		s.applyBinding(happened.BindingID, e)
	case binding.HardwareDrifted:
		s.applyBinding(happened.BindingID, e)
	case binding.MachineRebound:
		s.License = s.rebound(happened.ReboundAt)
		s.applyBinding(happened.BindingID, e)
	case binding.MachineReleased:
		h := s.machines[happened.BindingID]
		delete(s.byFingerprint, h.Binding.Machine.Fingerprint)
		delete(s.byActivation, h.Activation.ID)
		delete(s.machines, happened.BindingID)
	case activation.Granted:
		s.applyActivation(happened.BindingID, e)
	case activation.Renewed:
		s.applyActivation(happened.BindingID, e)
	case activation.Lapsed:
		s.applyActivation(happened.BindingID, e)
	case activation.Ended:
		s.applyActivation(happened.BindingID, e)
	default:
		return fmt.Errorf("%s does not belong in the stream of a licence (position %d)", e.Type, e.Position)
	}
	return nil
}

// applyBinding applies an event of a binding that gives it a machine.
func (s *Stream) applyBinding(id uuid.UUID, e event.Event) {
	h := s.machines[id]
	delete(s.byFingerprint, h.Binding.Machine.Fingerprint)
	h.Binding = h.Binding.Apply(e)
	s.byFingerprint[h.Binding.Machine.Fingerprint] = id
	s.machines[id] = h
}

// applyActivation applies an event of a binding's activation and keeps count of the seats.
func (s *Stream) applyActivation(bindingID uuid.UUID, e event.Event) {
	h := s.machines[bindingID]
	if h.Activation.Status == activation.StatusActive {
		s.seatsUsed--
	}
	delete(s.byActivation, h.Activation.ID)
	h.Activation = h.Activation.Apply(e)
	if h.Activation.Status == activation.StatusActive {
		s.seatsUsed++
	}
	if h.Activation.Status != activation.StatusEnded {
		s.byActivation[h.Activation.ID] = bindingID
	}
	s.machines[bindingID] = h
}

// StreamState returns how far the stream was read.
func (s *Stream) StreamState() event.StreamState {
	if s == nil {
		return event.StreamState{}
	}
	return s.stream
}

// SeatsUsed is the number of machines that hold a seat.
func (s *Stream) SeatsUsed() int { return s.seatsUsed }

// ByBinding finds a machine's place by the id of its binding.
func (s *Stream) ByBinding(id uuid.UUID) (BoundMachine, bool) {
	h, ok := s.machines[id]
	return h, ok
}

// ByActivation finds a machine's place by the id of its activation.
func (s *Stream) ByActivation(id uuid.UUID) (BoundMachine, bool) {
	bindingID, ok := s.byActivation[id]
	return s.machines[bindingID], ok
}

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

// recognise finds the place of a presented machine: by its fingerprint, else the best match of its components, the
// longest bound one where several match equally well.
func (s *Stream) recognise(presented machine.Machine) (recognised, bool) {
	if id, ok := s.byFingerprint[presented.Fingerprint]; ok {
		return recognised{BoundMachine: s.machines[id]}, true
	}
	if len(presented.Hashes) == 0 {
		return recognised{}, false
	}
	var best recognised
	found := false
	for _, h := range s.machines {
		same, score := h.Binding.Recognise(presented, s.Policy.FingerprintMatch)
		if same && (!found || better(h, score, best)) {
			best, found = recognised{BoundMachine: h, score: score}, true
		}
	}
	return best, found
}

func better(h BoundMachine, score machine.Score, best recognised) bool {
	return cmp.Or(
		cmp.Compare(score.Matched, best.score.Matched),
		cmp.Compare(best.score.Of, score.Of),
		best.Binding.BoundAt.Compare(h.Binding.BoundAt),
		slices.Compare(best.Binding.ID[:], h.Binding.ID[:]),
	) > 0
}
