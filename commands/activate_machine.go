package commands

import (
	"context"
	"time"

	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
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
	presented, err := h.recognisable(s.Track().Tenant, c.Machine)
	if err != nil {
		return Activation{}, err
	}
	if presented, err = h.named(ctx, presented, c.Machine, s.SubjectID); err != nil {
		return Activation{}, err
	}
	keyID, err := h.signingKeyID(ctx, s)
	if err != nil {
		return Activation{}, err
	}
	if req, err = h.identified(req, c); err != nil {
		return Activation{}, err
	}
	activate := license.ActivateMachine{Machine: presented, BindingID: h.newID(), ActivationID: h.newID(), KeyID: keyID}
	done, err := h.licenses.change(ctx, req, s.ID, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		return s.Decide(activate, now)
	})
	if err != nil {
		return Activation{}, err
	}
	held, found := done.state.Find(presented)
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
