package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
)

// Deactivate ends an activation, releases its machine and frees the seat. A licence of any status allows it. The machine that takes the
// seat next has moved it, unless an operator released the one before.
type Deactivate struct {
	ActivationID uuid.UUID
	Reason       string
	ByOperator   bool
}

func (c Deactivate) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	bound, found := s.ByActivation(c.ActivationID)
	if !found {
		return nil, ErrActivationNotFound
	}
	seats := s.machines.seatsUsed
	if bound.Activation.Status == activation.StatusActive {
		seats--
	}
	return []event.Payload{
		activation.Ended{
			ActivationID: bound.Activation.ID,
			BindingID:    bound.Binding.ID,
			Reason:       c.Reason,
			EndedAt:      now,
		},
		binding.MachineReleased{
			BindingID:  bound.Binding.ID,
			Reason:     c.Reason,
			SeatsUsed:  seats,
			ReleasedAt: now,
			ByOperator: c.ByOperator,
		},
	}, nil
}
