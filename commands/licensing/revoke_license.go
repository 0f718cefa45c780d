package licensing

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// RevokeLicense ends a licence for good. Refusals: license.ErrNotFound,
// license.ErrInvalidTransition, a [domainerr.Invalid].
type RevokeLicense struct {
	LicenseID uuid.UUID
	Reason    string
}

func (c *Commands) revokeLicense(ctx context.Context, req runtime.Request, command RevokeLicense) (License, error) {
	return c.execute(ctx, req, command.LicenseID, license.Revoke{Reason: command.Reason})
}
