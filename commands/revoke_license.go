package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// RevokeLicense ends a licence for good.
type RevokeLicense struct {
	LicenseID uuid.UUID
	Reason    string
}

// RevokeLicense carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
func (h *Handler) RevokeLicense(ctx context.Context, req Request, c RevokeLicense) (License, error) {
	return h.administer(ctx, req, c.LicenseID, c, license.Revoke{Reason: c.Reason})
}
