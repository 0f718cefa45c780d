package activation

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// Deactivate ends an activation and frees its machine's seat. A machine shows the licence key; an operator names the licence. Refusals:
// those of a licence key, license.ErrNotFound, license.ErrActivationNotFound, a [domainerr.Invalid].
type Deactivate struct {
	LicenseKey   LicenseKey
	LicenseID    uuid.UUID // may be missing when there is a LicenseKey
	ActivationID uuid.UUID
	Reason       string
}

// Deactivated says which licence has a free seat again.
type Deactivated struct {
	ActivationID uuid.UUID
	LicenseID    uuid.UUID
	Seats        Seats
	runtime.Outcome
}

func (c *Commands) deactivate(ctx context.Context, req runtime.Request, command Deactivate) (Deactivated, error) {
	s, err := c.resolveLicense(ctx, command.LicenseKey, command.LicenseID)
	if err != nil {
		return Deactivated{}, err
	}
	byOperator, err := actsAsOperator(ctx)
	if err != nil {
		return Deactivated{}, err
	}
	result, err := c.execute(ctx, req, s.ID, command.LicenseKey,
		license.Deactivate{ActivationID: command.ActivationID, Reason: command.Reason, ByOperator: byOperator})
	if err != nil {
		return Deactivated{}, err
	}
	return Deactivated{
		ActivationID: command.ActivationID, LicenseID: result.State.ID, Seats: seatsOf(result.State), Outcome: result.Outcome,
	}, nil
}
