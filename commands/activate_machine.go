package commands

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// ActivateMachine binds a machine to a licence and grants it an activation. A machine that is bound already gets what it has.
type ActivateMachine struct {
	LicenseKey string
	Machine    PresentedMachine
}

// ActivateMachine carries the command out. Refusals: those of a licence key and of a licence that does not permit it,
// license.ErrSeatLimitReached, a [refusal.Invalid].
func (h *Handler) ActivateMachine(ctx context.Context, req Request, c ActivateMachine) (Activation, error) {
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
	done, err := h.decide(ctx, req, s.ID, license.ActivateMachine{
		Machine: v.machine, BindingID: h.newID(), ActivationID: h.newID(), KeyID: v.keyID,
	})
	if err != nil {
		return Activation{}, err
	}
	held, found := done.state.Find(v.machine)
	if !found {
		return Activation{}, license.ErrActivationNotFound
	}
	activation, err := h.answer(ctx, done, held)
	for _, e := range done.events {
		if _, bound := e.Payload.(binding.MachineBound); bound {
			activation.New = true
		}
	}
	return activation, err
}
