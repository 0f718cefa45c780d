package licensing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// UndoExpiry takes back an expiry that a wrong clock brought about: the licence's expiry lies in the future. Refusals: license.ErrNotFound,
// license.ErrInvalidTransition, a [domainerr.Invalid].
//
// It is decided and recorded at the present by the clock. If a wrong clock has put the ledger's last event into the future, which every
// other decision respects, the command sets the ledger's time back to the present.
type UndoExpiry struct {
	LicenseID uuid.UUID
	Reason    string
}

func (c *Commands) undoExpiry(ctx context.Context, req runtime.Request, command UndoExpiry) (License, error) {
	licenses := c.repositories.Licenses
	result, err := licenses.Execute(ctx, req, command.LicenseID, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		return s.Decide(license.UndoExpiry{Reason: command.Reason, LedgerTime: licenses.Now()}, now)
	})
	if err != nil {
		return License{}, err
	}
	return c.withCustomer(ctx, result)
}
