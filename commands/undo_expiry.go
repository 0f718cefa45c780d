package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// UndoExpiry takes back an expiry that a wrong clock brought about: the licence's expires_at lies in the future.
//
// It is decided and recorded at the present by the clock. When a wrong clock has put the ledger's last event into the future, which
// every other decision respects, that sets the ledger's time back to the present.
type UndoExpiry struct {
	LicenseID uuid.UUID
	Reason    string
}

// UndoExpiry carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
func (h *Handler) UndoExpiry(ctx context.Context, req Request, c UndoExpiry) (License, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return License{}, err
	}
	req, err := h.identified(req, c)
	if err != nil {
		return License{}, err
	}
	req.atPresent = true
	done, err := h.licenses.change(ctx, req, c.LicenseID, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		return s.Decide(license.UndoExpiry{Reason: c.Reason, LedgerTime: h.licenses.clock()}, now)
	})
	if err != nil {
		return License{}, err
	}
	return h.seen(ctx, done)
}
