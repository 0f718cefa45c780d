package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// RebindMachine moves a seat to another machine, ends the old activation and grants a new one, all at once. An operator's move is neither
// limited nor counted.
type RebindMachine struct {
	BindingID    uuid.UUID
	Machine      machine.Machine
	Reason       string
	ActivationID uuid.UUID // of the new activation
	KeyID        string    // the product key that signs today
	ByOperator   bool
}

func (c RebindMachine) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	if err := s.Permits(); err != nil {
		return nil, err
	}
	bound, found := s.ByBinding(c.BindingID)
	if !found {
		return nil, ErrBindingNotFound
	}
	if known, found := s.machines.recognise(c.Machine, s.Policy.FingerprintMatch); found && !known.Moved {
		return nil, ErrMachineAlreadyBound
	}
	moves, err := s.move(now)
	if c.ByOperator {
		moves, err = len(s.movesInWindow(now)), nil
	}
	if err != nil {
		return nil, err
	}
	seats := s.machines.seatsUsed
	if bound.Activation.Status == activation.StatusLapsed {
		if err := s.seatFree(); err != nil {
			return nil, err
		}
		seats++
	}
	return []event.Payload{
		activation.Ended{
			ActivationID: bound.Activation.ID,
			BindingID:    bound.Binding.ID,
			Reason:       c.Reason,
			EndedAt:      now,
		},
		binding.MachineRebound{
			BindingID:           bound.Binding.ID,
			PreviousFingerprint: bound.Binding.Machine.Fingerprint,
			Fingerprint:         c.Machine.Fingerprint,
			Components:          c.Machine.Hashes,
			OS:                  c.Machine.OS,
			Name:                c.Machine.Name,
			Reason:              c.Reason,
			RebindsInWindow:     moves,
			SeatsUsed:           seats,
			ReboundAt:           now,
			ByOperator:          c.ByOperator,
		},
		activation.Granted{
			ActivationID: c.ActivationID,
			BindingID:    bound.Binding.ID,
			Fingerprint:  c.Machine.Fingerprint,
			KeyID:        c.KeyID,
			Floating:     s.Policy.Floating(),
			GrantedAt:    now,
			ExpiresAt:    s.until(now),
		},
	}, nil
}
