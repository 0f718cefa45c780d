package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
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
	v, err := h.visit(ctx, req, c, c.LicenseKey, uuid.Nil, c.Machine)
	if err != nil {
		return Activation{}, err
	}
	done, err := h.decide(ctx, v.req, v.license, c.LicenseKey, license.Heartbeat{ActivationID: c.ActivationID, Machine: v.machine, KeyID: v.keyID})
	if err != nil {
		return Activation{}, err
	}
	bound, found := done.state.ByActivation(c.ActivationID)
	if !found {
		return Activation{}, license.ErrActivationNotFound
	}
	return h.answer(ctx, done, bound)
}
