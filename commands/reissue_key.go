package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// ReissueKey replaces a licence key, for instance one that leaked. Machines stay bound; they need the new key.
type ReissueKey struct {
	LicenseID uuid.UUID
	Reason    string
}

// ReissueKey carries the command out. Refusals: license.ErrNotFound, license.ErrInvalidTransition, a [domainerr.Invalid].
func (h *Handler) ReissueKey(ctx context.Context, req Request, c ReissueKey) (IssuedLicense, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return IssuedLicense{}, err
	}
	req, err := h.identified(req, c)
	if err != nil {
		return IssuedLicense{}, err
	}
	done, err := h.decide(ctx, req, c.LicenseID, "", license.ReissueKey{Reason: c.Reason})
	if err != nil {
		return IssuedLicense{}, err
	}
	return h.withKey(ctx, done)
}
