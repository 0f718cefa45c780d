package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// RebindMachine moves a seat to another machine. A machine shows the licence key; an admin names the licence.
type RebindMachine struct {
	LicenseKey string
	LicenseID  uuid.UUID // when there is no LicenseKey
	BindingID  uuid.UUID
	Machine    PresentedMachine // the new one
	Reason     string
}

// RebindMachine carries the command out and answers with the new machine's activation. Refusals: those of a licence key and
// of a licence that does not permit it, license.ErrBindingNotFound, license.ErrMachineAlreadyBound,
// license.ErrRebindLimitReached, license.ErrSeatLimitReached for a lapsed lease, a [domainerr.Invalid].
func (h *Handler) RebindMachine(ctx context.Context, req Request, c RebindMachine) (Activation, error) {
	v, err := h.visit(ctx, req, c, c.LicenseKey, c.LicenseID, c.Machine)
	if err != nil {
		return Activation{}, err
	}
	done, err := h.decide(ctx, v.req, v.license, c.LicenseKey, license.RebindMachine{
		BindingID: c.BindingID, Machine: v.machine, Reason: c.Reason, ActivationID: h.newID(), KeyID: v.keyID,
	})
	if err != nil {
		return Activation{}, err
	}
	held, found := done.state.ByBinding(c.BindingID)
	if !found {
		return Activation{}, license.ErrBindingNotFound
	}
	return h.answer(ctx, done, held)
}
