package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// RebindMachine moves a seat to another machine, ends the old activation and grants a new one, all at once.
type RebindMachine struct {
	BindingID    uuid.UUID
	Machine      machine.Machine
	Reason       string
	ActivationID uuid.UUID // of the new activation
	KeyID        string    // the product key that signs today
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
	if _, bound := s.recognise(c.Machine); bound {
		return nil, ErrMachineAlreadyBound
	}
	rebinds := len(s.rebindsWithinWindow(now)) + 1
	if limit := s.Policy.MaxRebinds; limit != nil && rebinds > *limit {
		return nil, ErrRebindLimitReached.WithMessage("the licence was moved %d times within %d days, which is the most its plan allows",
			rebinds-1, s.Policy.RebindWindowDays)
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
			RebindsInWindow:     rebinds,
			SeatsUsed:           seats,
			ReboundAt:           now,
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
