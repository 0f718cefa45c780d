package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// RenewLicense moves a licence's expiry, by days or to a time; an expired licence is active again.
type RenewLicense struct {
	LicenseID  uuid.UUID
	Reason     string
	ExtendDays *int
	ExpiresAt  *time.Time
}

// RenewLicense carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
func (h *Handler) RenewLicense(ctx context.Context, req Request, c RenewLicense) (License, error) {
	return h.administer(ctx, req, c.LicenseID, c, license.Renew{
		Reason: c.Reason, ExtendDays: c.ExtendDays, ExpiresAt: inMicroseconds(c.ExpiresAt),
	})
}
