package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// ReissueKey replaces a licence key, for instance one that leaked. Machines stay bound; they need the new key.
type ReissueKey struct {
	LicenseID uuid.UUID
	Reason    string
}

// ReissueKey carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [refusal.Invalid].
func (h *Handler) ReissueKey(ctx context.Context, req Request, c ReissueKey) (IssuedLicense, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return IssuedLicense{}, err
	}
	req, err := h.identified(req, c)
	if err != nil {
		return IssuedLicense{}, err
	}
	done, err := h.licenses.change(ctx, req, c.LicenseID, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		return s.Decide(license.ReissueKey{Reason: c.Reason}, now)
	})
	if err != nil {
		return IssuedLicense{}, err
	}
	return h.withKey(ctx, done)
}
