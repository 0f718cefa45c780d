package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// ActivateMachine asks for a seat and the permission to run. A machine that is bound already takes no further seat and
// keeps its activation.
type ActivateMachine struct {
	Machine      machine.Machine
	BindingID    uuid.UUID // of the binding, if one is made
	ActivationID uuid.UUID // of the activation, if one is granted
	KeyID        string    // the product key that signs today
}

func (c ActivateMachine) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := s.Permits(); err != nil {
		return nil, err
	}
	if known, found := s.recognise(c.Machine, now); found {
		return s.keep(known, c.Machine, c.KeyID, now)
	}
	seat, err := s.seatFor(c.Machine, now)
	if err != nil {
		return nil, err
	}
	decided := s.forgotten(now)
	license := s.License
	if s.ExpiresAt == nil && s.Policy.ValidityDays != nil && s.Policy.ValidityStarts == catalog.AtFirstActivation {
		expires := now.Add(days(*s.Policy.ValidityDays))
		decided = append(decided, ValidityStarted{StartedAt: now, ExpiresAt: expires})
		license.ExpiresAt = &expires
	}
	return append(decided,
		binding.MachineBound{
			BindingID:       c.BindingID,
			Fingerprint:     c.Machine.Fingerprint,
			Components:      c.Machine.Hashes,
			OS:              c.Machine.OS,
			Name:            c.Machine.Name,
			SeatsUsed:       s.machines.seatsUsed + 1,
			BoundAt:         now,
			Replaces:        seat.replaces,
			RebindsInWindow: seat.moves,
		},
		activation.Granted{
			ActivationID: c.ActivationID,
			BindingID:    c.BindingID,
			Fingerprint:  c.Machine.Fingerprint,
			KeyID:        c.KeyID,
			Floating:     s.Policy.Floating(),
			GrantedAt:    now,
			ExpiresAt:    license.until(now),
		},
	), nil
}

// seatFree returns nil when another machine may take a seat.
func (s *Stream) seatFree() error {
	if s.machines.seatsUsed >= s.Policy.Seats() {
		return ErrSeatLimitReached.WithMessage("all %d seats of the licence are taken", s.Policy.Seats())
	}
	return nil
}

// driftInterval is the least time between two changes of a machine's hardware that are recorded.
const driftInterval = 24 * time.Hour

// drifted reports whether a machine came back with changed hardware that must be recorded. Hardware that alternates, as of a laptop with
// and without its dock, is recorded once: the machine is known both as it was bound and as it was last recorded.
func (r recognised) drifted(presented machine.Machine, now time.Time) bool {
	if r.Binding.Knows(presented.Fingerprint) {
		return false
	}
	return r.Moved || r.Binding.DriftedAt.IsZero() || now.Sub(r.Binding.DriftedAt) >= driftInterval
}

// keep returns what must be recorded when a known machine shows up again: changed hardware, a lapsed lease that takes a
// seat again, a certificate that has less than half of its time left. Mostly that is nothing.
func (s *Stream) keep(known recognised, presented machine.Machine, keyID string, now time.Time) ([]event.Payload, error) {
	var decided []event.Payload
	drifted := known.drifted(presented, now)
	if drifted {
		moves := 0
		if known.Moved {
			var err error
			if moves, err = s.move(now); err != nil {
				return nil, err
			}
		}
		decided = append(decided, binding.HardwareDrifted{
			BindingID:           known.Binding.ID,
			PreviousFingerprint: known.Binding.Machine.Fingerprint,
			Fingerprint:         presented.Fingerprint,
			Components:          presented.Hashes,
			Matched:             known.Score.Matched,
			Compared:            known.Score.Of,
			Changed:             known.Score.Changed,
			DriftedAt:           now,
			Moved:               known.Moved,
			RebindsInWindow:     moves,
		})
	}
	seats := s.machines.seatsUsed
	lapsed := known.Activation.Status == activation.StatusLapsed
	if lapsed {
		if err := s.seatFree(); err != nil {
			return nil, err
		}
		seats++
	}
	until := s.until(now)
	runsOut := known.Activation.RunsOut(now) && until.After(known.Activation.ExpiresAt)
	if drifted || lapsed || runsOut {
		decided = append(decided, activation.Renewed{
			ActivationID: known.Activation.ID,
			BindingID:    known.Binding.ID,
			Fingerprint:  presented.Fingerprint,
			KeyID:        keyID,
			SeatsUsed:    seats,
			Floating:     s.Policy.Floating(),
			RenewedAt:    now,
			ExpiresAt:    until,
		})
	}
	return decided, nil
}
