package licensing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/license"
)

// RenewLicense moves a licence's expiry, by days or to a time; an expired licence is active again. Refusals: license.ErrNotFound,
// license.ErrInvalidTransition, a [domainerr.Invalid].
type RenewLicense struct {
	LicenseID  uuid.UUID
	Reason     string
	ExtendDays *int
	ExpiresAt  *time.Time
}

func (c *Commands) renewLicense(ctx context.Context, req runtime.Request, command RenewLicense) (License, error) {
	return c.execute(ctx, req, command.LicenseID, license.Renew{
		Reason: command.Reason, ExtendDays: command.ExtendDays, ExpiresAt: inMicroseconds(command.ExpiresAt),
	})
}
