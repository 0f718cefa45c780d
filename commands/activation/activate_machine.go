package activation

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/license"
)

// ActivateMachine binds a machine to a licence and grants it an activation. A machine that is bound already gets what it has. Refusals:
// those of a licence key and of a licence that does not permit it, license.ErrSeatLimitReached, a [domainerr.Invalid].
type ActivateMachine struct {
	LicenseKey LicenseKey
	Machine    PresentedMachine
}

func (c *Commands) activateMachine(ctx context.Context, req runtime.Request, command ActivateMachine) (Activation, error) {
	resolved, err := c.resolve(ctx, command.LicenseKey, uuid.Nil, command.Machine)
	if err != nil {
		return Activation{}, err
	}
	result, err := c.execute(ctx, req, resolved.license, command.LicenseKey, license.ActivateMachine{
		Machine: resolved.machine, BindingID: c.licenses.NewID(), ActivationID: c.licenses.NewID(), KeyID: resolved.keyID,
	})
	if err != nil {
		return Activation{}, err
	}
	bound, found := result.State.Find(resolved.machine)
	if !found {
		return Activation{}, license.ErrActivationNotFound
	}
	activation, err := c.activationResult(ctx, result, bound)
	for _, e := range result.Events {
		if _, bound := e.Payload.(binding.MachineBound); bound {
			activation.New = true
		}
	}
	return activation, err
}
