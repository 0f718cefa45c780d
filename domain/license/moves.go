package license

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// A seat of a node-locked licence moves when another machine gets it: by a rebind, by hardware that changed so much since the machine was
// bound that it is another one, or by a release after which another machine takes the seat. A plan may limit how often that happens.
// Floating seats move freely, and so does whatever an operator moves.

// move returns the number of moves in the window with one more at now, or the refusal when the plan does not allow one. It is 0 where
// moves are not counted.
func (s *Stream) move(now time.Time) (int, error) {
	if err := s.mayTakeSeat(now); err != nil {
		return 0, err
	}
	if s.Policy.Floating() {
		return 0, nil
	}
	moves := s.movesInWindow(now)
	if limit := s.Policy.MaxRebinds; limit != nil && len(moves) >= *limit {
		return 0, ErrRebindLimitReached.WithMessage("the licence was moved %d times within %d days, which is the most its plan allows",
			len(moves), s.Policy.RebindWindowDays)
	}
	if s.Policy.RebindCooldownSeconds != nil && len(s.Moves) > 0 {
		free := s.Moves[len(s.Moves)-1].Add(time.Duration(*s.Policy.RebindCooldownSeconds) * time.Second)
		if now.Before(free) {
			return 0, ErrRebindLimitReached.WithMessage("the licence was moved a short time ago; its plan allows the next move at %s",
				free.UTC().Format(time.RFC3339))
		}
	}
	return len(moves) + 1, nil
}

// mostUnlimitedMoves is how many moves are counted where they are not limited.
const mostUnlimitedMoves = 1_000

// moved returns the licence after one more move, forgetting those that left the window.
func (l License) moved(at time.Time) License {
	l.Moves = append(l.movesInWindow(at), at)
	if excess := len(l.Moves) - mostUnlimitedMoves; excess > 0 && l.Policy.MaxRebinds == nil {
		l.Moves = l.Moves[excess:]
	}
	return l
}

func (l License) movesInWindow(now time.Time) []time.Time {
	opened := now.Add(-days(l.Policy.RebindWindowDays))
	first := slices.IndexFunc(l.Moves, func(at time.Time) bool { return at.After(opened) })
	if first < 0 {
		return nil
	}
	return slices.Clone(l.Moves[first:])
}

// seat is where a machine that is not bound can be placed.
type seat struct {
	replaces *uuid.UUID // the released binding that left the seat; nil: the seat is new
	moves    int        // in the window, with the one that this is; 0: it is none
}

// seatFor returns the seat for a machine that is not bound: the one that the same machine left behind, else one that nobody has left,
// else the one that was left by the machine bound longest ago, which is a move.
func (s *Stream) seatFor(presented machine.Machine, now time.Time) (seat, error) {
	if err := s.seatFree(); err != nil {
		return seat{}, err
	}
	if err := s.mayTakeSeat(now); err != nil {
		return seat{}, err
	}
	if back, found := s.vacated.recognise(presented, s.Policy.FingerprintMatch); found && !back.Moved {
		return seat{replaces: &back.Binding.ID}, nil
	}
	left, found := s.vacated.oldest()
	if !found || s.Policy.Seats()-s.machines.seatsUsed > s.vacated.count() {
		return seat{}, nil
	}
	moves, err := s.move(now)
	if err != nil {
		return seat{}, err
	}
	return seat{replaces: &left.Binding.ID, moves: moves}, nil
}

// vacate applies the release of a machine. Its seat keeps its history until a machine takes it.
func (s *Stream) vacate(e binding.MachineReleased) {
	left, _ := s.machines.get(e.BindingID)
	s.machines.remove(e.BindingID)
	if s.Policy.LimitsMoves() && !e.ByOperator && left.Binding.ID == e.BindingID {
		s.vacated.set(e.BindingID, left)
	}
	s.forgetOldest()
}

// reoccupy applies to the vacated seats that a machine was bound. A machine that came back remains the one that was bound at first.
func (s *Stream) reoccupy(e binding.MachineBound) {
	if e.Replaces != nil {
		left, _ := s.vacated.get(*e.Replaces)
		s.vacated.remove(*e.Replaces)
		if e.RebindsInWindow == 0 && e.Fingerprint != left.Binding.Bound().Fingerprint {
			bound, _ := s.machines.get(e.BindingID)
			bound.Binding.AsBound = left.Binding.Bound()
			s.machines.set(e.BindingID, bound)
		}
	}
}

// forgetOldest keeps no more vacated seats than there are free ones. More are left only by versions that did not count such moves.
func (s *Stream) forgetOldest() {
	for s.vacated.count() > max(0, s.Policy.Seats()-s.machines.seatsUsed) {
		left, _ := s.vacated.oldest()
		s.vacated.remove(left.Binding.ID)
	}
}
