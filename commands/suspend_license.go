package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// SuspendLicense takes a licence's right to activate and validate away until it is reinstated.
type SuspendLicense struct {
	LicenseID uuid.UUID
	Reason    string
}

// SuspendLicense carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
func (h *Handler) SuspendLicense(ctx context.Context, req Request, c SuspendLicense) (License, error) {
	return h.administer(ctx, req, c.LicenseID, c, license.Suspend{Reason: c.Reason})
}
