package licensing

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// SuspendLicense takes a licence's right to activate and validate away until it is reinstated. Refusals: license.ErrNotFound,
// license.ErrInvalidTransition, a [domainerr.Invalid].
type SuspendLicense struct {
	LicenseID uuid.UUID
	Reason    string
}

func (c *Commands) suspendLicense(ctx context.Context, req runtime.Request, command SuspendLicense) (License, error) {
	return c.execute(ctx, req, command.LicenseID, license.Suspend{Reason: command.Reason})
}
