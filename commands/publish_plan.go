package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// PublishPlan offers a product under new terms.
type PublishPlan struct {
	ProductID uuid.UUID
	Code      string
	Terms     catalog.Terms // see [catalog.Terms.WithDefaults]
}

// Plan is a plan as a command left it.
type Plan struct {
	*catalog.Plan
	Outcome
}

// PublishPlan carries the command out. Refusals: catalog.ErrProductNotFound, catalog.ErrPlanCodeTaken, a [domainerr.Invalid].
func (h *Handler) PublishPlan(ctx context.Context, req Request, c PublishPlan) (Plan, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return Plan{}, err
	}
	req, err := h.identified(req, c)
	if err != nil {
		return Plan{}, err
	}
	product, err := h.products.load(ctx, c.ProductID)
	if err != nil {
		return Plan{}, err
	}
	if product == nil { // also another tenant's, whatever plans it has
		return Plan{}, catalog.ErrProductNotFound
	}
	done, err := h.plans.change(ctx, req, catalog.PlanID(c.ProductID, c.Code), func(p *catalog.Plan, now time.Time) ([]event.Payload, error) {
		return p.Publish(product, c.Code, c.Terms, now)
	})
	return Plan{Plan: done.state, Outcome: done.Outcome}, err
}
