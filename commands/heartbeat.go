package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// Heartbeat says that an activated machine still runs. It is recorded only when it changes something: see [license.Heartbeat].
type Heartbeat struct {
	ActivationID uuid.UUID
	LicenseKey   string
	Machine      PresentedMachine
}

// Heartbeat carries the command out. Refusals: those of a licence key and of a licence that does not permit it,
// license.ErrActivationNotFound, license.ErrFingerprintMismatch, license.ErrSeatLimitReached for a lapsed lease.
func (h *Handler) Heartbeat(ctx context.Context, req Request, c Heartbeat) (Activation, error) {
	if err := tenancy.Require(ctx, tenancy.Machine, tenancy.Admin); err != nil {
		return Activation{}, err
	}
	s, err := h.byKey(ctx, c.LicenseKey)
	if err != nil {
		return Activation{}, err
	}
	v, err := h.visit(ctx, s, c.Machine)
	if err != nil {
		return Activation{}, err
	}
	if req, err = h.identified(req, c); err != nil {
		return Activation{}, err
	}
	done, err := h.decide(ctx, req, s.ID, license.Heartbeat{ActivationID: c.ActivationID, Machine: v.machine, KeyID: v.keyID})
	if err != nil {
		return Activation{}, err
	}
	held, found := done.state.ByActivation(c.ActivationID)
	if !found {
		return Activation{}, license.ErrActivationNotFound
	}
	return h.answer(ctx, done, held)
}
