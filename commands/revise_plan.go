package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// RevisePlan replaces a plan's terms for licences issued from then on.
type RevisePlan struct {
	PlanID uuid.UUID
	Terms  catalog.Terms // see [catalog.Terms.WithDefaults]
}

// RevisePlan carries the command out. Refusals: catalog.ErrPlanNotFound, a [domainerr.Invalid].
func (h *Handler) RevisePlan(ctx context.Context, req Request, c RevisePlan) (Plan, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return Plan{}, err
	}
	req, err := h.identified(req, c)
	if err != nil {
		return Plan{}, err
	}
	done, err := h.plans.change(ctx, req, c.PlanID, func(p *catalog.Plan, now time.Time) ([]event.Payload, error) {
		return p.Revise(c.Terms, now)
	})
	return Plan{Plan: done.state, Outcome: done.Outcome}, err
}
