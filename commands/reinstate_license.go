package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// ReinstateLicense gives a suspended licence its rights back.
type ReinstateLicense struct {
	LicenseID uuid.UUID
	Reason    string
}

// ReinstateLicense carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
func (h *Handler) ReinstateLicense(ctx context.Context, req Request, c ReinstateLicense) (License, error) {
	return h.administer(ctx, req, c.LicenseID, c, license.Reinstate{Reason: c.Reason})
}
