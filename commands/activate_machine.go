package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/license"
)

// ActivateMachine binds a machine to a licence and grants it an activation. A machine that is bound already gets what it has.
type ActivateMachine struct {
	LicenseKey string
	Machine    PresentedMachine
}

// ActivateMachine carries the command out. Refusals: those of a licence key and of a licence that does not permit it,
// license.ErrSeatLimitReached, a [domainerr.Invalid].
func (h *Handler) ActivateMachine(ctx context.Context, req Request, c ActivateMachine) (Activation, error) {
	v, err := h.visit(ctx, req, c, c.LicenseKey, uuid.Nil, c.Machine)
	if err != nil {
		return Activation{}, err
	}
	done, err := h.decide(ctx, v.req, v.license, c.LicenseKey, license.ActivateMachine{
		Machine: v.machine, BindingID: h.newID(), ActivationID: h.newID(), KeyID: v.keyID,
	})
	if err != nil {
		return Activation{}, err
	}
	bound, found := done.state.Find(v.machine)
	if !found {
		return Activation{}, license.ErrActivationNotFound
	}
	activation, err := h.answer(ctx, done, bound)
	for _, e := range done.events {
		if _, bound := e.Payload.(binding.MachineBound); bound {
			activation.New = true
		}
	}
	return activation, err
}
