package activation

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// Heartbeat says that an activated machine still runs. It is recorded only when it changes something: see [license.Heartbeat]. Refusals:
// those of a licence key and of a licence that does not permit it, license.ErrActivationNotFound, license.ErrFingerprintMismatch,
// license.ErrSeatLimitReached for a lapsed lease.
type Heartbeat struct {
	ActivationID uuid.UUID
	LicenseKey   LicenseKey
	Machine      PresentedMachine
}

func (c *Commands) heartbeat(ctx context.Context, req runtime.Request, command Heartbeat) (Activation, error) {
	resolved, err := c.resolve(ctx, command.LicenseKey, uuid.Nil, command.Machine)
	if err != nil {
		return Activation{}, err
	}
	result, err := c.execute(ctx, req, resolved.license, command.LicenseKey, license.Heartbeat{
		ActivationID: command.ActivationID, Machine: resolved.machine, KeyID: resolved.keyID,
	})
	if err != nil {
		return Activation{}, err
	}
	bound, found := result.State.ByActivation(command.ActivationID)
	if !found {
		return Activation{}, license.ErrActivationNotFound
	}
	return c.activationResult(ctx, result, bound)
}
