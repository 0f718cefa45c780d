package licensing

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// ReinstateLicense gives a suspended licence its rights back. Refusals: license.ErrNotFound,
// license.ErrInvalidTransition, a [domainerr.Invalid].
type ReinstateLicense struct {
	LicenseID uuid.UUID
	Reason    string
}

func (c *Commands) reinstateLicense(ctx context.Context, req runtime.Request, command ReinstateLicense) (License, error) {
	return c.execute(ctx, req, command.LicenseID, license.Reinstate{Reason: command.Reason})
}
