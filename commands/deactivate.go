package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// Deactivate ends an activation and frees its machine's seat. A machine shows the licence key; an admin names the licence.
type Deactivate struct {
	LicenseKey   string
	LicenseID    uuid.UUID // when there is no LicenseKey
	ActivationID uuid.UUID
	Reason       string
}

// Deactivated says which licence has a seat free again.
type Deactivated struct {
	ActivationID uuid.UUID
	LicenseID    uuid.UUID
	Seats        Seats
	Outcome
}

// Deactivate carries the command out. Refusals: those of a licence key, license.ErrNotFound, license.ErrActivationNotFound,
// a [domainerr.Invalid].
func (h *Handler) Deactivate(ctx context.Context, req Request, c Deactivate) (Deactivated, error) {
	s, err := h.addressed(ctx, c.LicenseKey, c.LicenseID)
	if err != nil {
		return Deactivated{}, err
	}
	if req, err = h.identified(req, c); err != nil {
		return Deactivated{}, err
	}
	done, err := h.decide(ctx, req, s.ID, c.LicenseKey, license.Deactivate{ActivationID: c.ActivationID, Reason: c.Reason})
	if err != nil {
		return Deactivated{}, err
	}
	return Deactivated{ActivationID: c.ActivationID, LicenseID: done.state.ID, Seats: seatsOf(done.state), Outcome: done.Outcome}, nil
}
