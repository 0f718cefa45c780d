package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Heartbeat says that an activated machine still runs. It keeps a floating seat, takes a lapsed one again if a seat is
// free, and extends an activation that has less than half of its time left.
type Heartbeat struct {
	ActivationID uuid.UUID
	Machine      machine.Machine
	KeyID        string // the product key that signs today
}

func (c Heartbeat) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := s.Permits(); err != nil {
		return nil, err
	}
	bound, found := s.ByActivation(c.ActivationID)
	if !found {
		return nil, ErrActivationNotFound
	}
	known, found := s.recognise(c.Machine, now)
	if !found || known.Binding.ID != bound.Binding.ID {
		return nil, ErrFingerprintMismatch
	}
	return s.keep(known, c.Machine, c.KeyID, now)
}
