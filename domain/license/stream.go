package license

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
)

const prefix aggregate.Prefix = "license-"

// Aggregate defines the licence with all that shares its stream.
func Aggregate() aggregate.Definition[Stream] {
	return aggregate.Definition[Stream]{Prefix: prefix, Fold: Fold, NotFound: ErrNotFound, ResetsTime: []event.Type{ExpiryUndoneType}}
}

// StreamName names a licence's stream.
func StreamName(id uuid.UUID) string { return prefix.Stream(id) }

// IDOf returns the licence whose stream it is; ok is false for another kind of stream.
func IDOf(stream string) (id uuid.UUID, ok bool) { return prefix.ID(stream) }

// Stream is one licence with everything that hangs on it, folded from its events. It is immutable: [Fold] returns a new
// one, so that readers never wait for writers. A nil Stream is a licence that does not exist.
type Stream struct {
	License
	stream   event.StreamState
	machines machines
	vacated  machines // those that left a seat which nobody has taken since; kept only where moves are limited
	nextDue  time.Time
}

// Fold returns the stream after further events. The given one is left as it is.
func Fold(s *Stream, events ...event.Event) (*Stream, error) {
	next := s.clone()
	for _, e := range events {
		if err := next.apply(e); err != nil {
			return nil, err
		}
	}
	next.stream = next.stream.Advance(events...)
	next.nextDue = next.earliestDue()
	return next, nil
}

func (s *Stream) clone() *Stream {
	if s == nil {
		return &Stream{}
	}
	next := *s
	next.machines = s.machines.clone()
	next.vacated = s.vacated.clone()
	return &next
}

func (s *Stream) apply(e event.Event) error {
	switch happened := e.Payload.(type) {
	case Issued, ValidityStarted, Suspended, Reinstated, Renewed, Expired, ExpiryUndone, Revoked, KeyReissued:
		s.License = s.License.Apply(e)
		s.machines.floating = s.Policy.Floating()
	case binding.MachineBound:
		s.applyBinding(happened.BindingID, e)
		s.reoccupy(happened)
		s.License = s.seatTaken(happened.BoundAt)
		if happened.RebindsInWindow > 0 {
			s.License = s.moved(happened.BoundAt)
		}
	case binding.HardwareDrifted:
		s.applyBinding(happened.BindingID, e)
		if happened.Moved {
			s.License = s.seatTaken(happened.DriftedAt)
		}
		if happened.RebindsInWindow > 0 {
			s.License = s.moved(happened.DriftedAt)
		}
	case binding.MachineRebound:
		s.applyBinding(happened.BindingID, e)
		if !happened.ByOperator {
			s.License = s.seatTaken(happened.ReboundAt)
			if !s.Policy.Floating() {
				s.License = s.moved(happened.ReboundAt)
			}
		}
	case binding.MachineReleased:
		s.vacate(happened)
	case activation.Granted:
		s.applyActivation(happened.BindingID, e)
		s.forgetOldest()
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
	bound, _ := s.machines.get(id)
	bound.Binding = bound.Binding.Apply(e)
	s.machines.set(id, bound)
}

// applyActivation applies an event of a binding's activation.
func (s *Stream) applyActivation(bindingID uuid.UUID, e event.Event) {
	bound, _ := s.machines.get(bindingID)
	bound.Activation = bound.Activation.Apply(e)
	s.machines.set(bindingID, bound)
}

// StreamState returns how far the stream was read.
func (s *Stream) StreamState() event.StreamState {
	if s == nil {
		return event.StreamState{}
	}
	return s.stream
}

// SeatsUsed is the number of machines that hold a seat.
func (s *Stream) SeatsUsed() int { return s.machines.seatsUsed }

// ByBinding finds a machine's place by the id of its binding.
func (s *Stream) ByBinding(id uuid.UUID) (BoundMachine, bool) { return s.machines.get(id) }

// ByActivation finds a machine's place by the id of its activation.
func (s *Stream) ByActivation(id uuid.UUID) (BoundMachine, bool) {
	bindingID, found := s.machines.byActivation.first(id)
	if !found {
		return BoundMachine{}, false
	}
	return s.machines.get(bindingID)
}
