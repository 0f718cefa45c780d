package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
)

// Deactivate ends an activation, releases its machine and frees the seat. A licence of any status allows it.
type Deactivate struct {
	ActivationID uuid.UUID
	Reason       string
}

func (c Deactivate) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	held, found := s.ByActivation(c.ActivationID)
	if !found {
		return nil, ErrActivationNotFound
	}
	seats := s.seatsUsed
	if held.Activation.Status == activation.StatusActive {
		seats--
	}
	return []event.Payload{
		activation.Ended{
			ActivationID: held.Activation.ID,
			BindingID:    held.Binding.ID,
			Reason:       c.Reason,
			EndedAt:      now,
		},
		binding.MachineReleased{
			BindingID:  held.Binding.ID,
			Reason:     c.Reason,
			SeatsUsed:  seats,
			ReleasedAt: now,
		},
	}, nil
}
