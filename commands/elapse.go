package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// Elapse records what the passage of time has brought about at a licence: its expiry, leases that lapsed. Decisions do not
// wait for it; it is for the history, the read models and those who follow the ledger. It may be repeated at will.
func (h *Handler) Elapse(ctx context.Context, id uuid.UUID) (Outcome, error) {
	if err := tenancy.Require(ctx, tenancy.System); err != nil {
		return Outcome{}, err
	}
	done, err := h.licenses.change(ctx, Request{}, id, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		return s.Due(now), nil
	})
	return done.Outcome, err
}
