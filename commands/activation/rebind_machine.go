package activation

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// RebindMachine moves a seat to another machine and answers with the new machine's activation. A machine shows the licence key; an operator
// names the licence. Refusals: those of a licence key and of a licence that does not permit it, license.ErrBindingNotFound,
// license.ErrMachineAlreadyBound, license.ErrRebindLimitReached, license.ErrSeatLimitReached for a lapsed lease, a [domainerr.Invalid].
type RebindMachine struct {
	LicenseKey LicenseKey
	LicenseID  uuid.UUID // may be missing when there is a LicenseKey
	BindingID  uuid.UUID
	Machine    PresentedMachine // the new one
	Reason     string
}

func (c *Commands) rebindMachine(ctx context.Context, req runtime.Request, command RebindMachine) (Activation, error) {
	resolved, err := c.resolve(ctx, command.LicenseKey, command.LicenseID, command.Machine)
	if err != nil {
		return Activation{}, err
	}
	byOperator, err := actsAsOperator(ctx)
	if err != nil {
		return Activation{}, err
	}
	result, err := c.execute(ctx, req, resolved.license, command.LicenseKey, license.RebindMachine{
		BindingID: command.BindingID, Machine: resolved.machine, Reason: command.Reason, ActivationID: c.licenses.NewID(), KeyID: resolved.keyID,
		ByOperator: byOperator,
	})
	if err != nil {
		return Activation{}, err
	}
	bound, found := result.State.ByBinding(command.BindingID)
	if !found {
		return Activation{}, license.ErrBindingNotFound
	}
	return c.activationResult(ctx, result, bound)
}
