package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
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
// license.ErrRebindLimitReached, license.ErrSeatLimitReached for a lapsed lease, a [refusal.Invalid].
func (h *Handler) RebindMachine(ctx context.Context, req Request, c RebindMachine) (Activation, error) {
	if err := tenancy.Require(ctx, tenancy.Machine, tenancy.Admin); err != nil {
		return Activation{}, err
	}
	s, err := h.addressed(ctx, c.LicenseKey, c.LicenseID)
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
	done, err := h.decide(ctx, req, s.ID, license.RebindMachine{
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
