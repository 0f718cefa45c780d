package licensing

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// ReissueKey replaces a licence key, for instance one that leaked. Machines stay bound; they need the new key. Refusals:
// license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
type ReissueKey struct {
	LicenseID uuid.UUID
	Reason    string
}

func (c *Commands) reissueKey(ctx context.Context, req runtime.Request, command ReissueKey) (IssuedLicense, error) {
	reissued, err := c.execute(ctx, req, command.LicenseID, license.ReissueKey{Reason: command.Reason})
	if err != nil {
		return IssuedLicense{}, err
	}
	return c.withKey(reissued), nil
}
