package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
)

// PublishPlan offers a product under new terms. Refusals: catalog.ErrProductNotFound, catalog.ErrPlanCodeTaken, a [domainerr.Invalid].
type PublishPlan struct {
	ProductID uuid.UUID
	Code      string
	Terms     catalog.Terms // see [catalog.Terms.WithDefaults]
}

func (c *Commands) publishPlan(ctx context.Context, req runtime.Request, command PublishPlan) (Plan, error) {
	product, err := c.products.Load(ctx, command.ProductID)
	if err != nil {
		return Plan{}, err
	}
	if product == nil { // or another tenant's, whatever plans it has
		return Plan{}, catalog.ErrProductNotFound
	}
	id := catalog.PlanID(command.ProductID, command.Code)
	result, err := c.plans.Execute(ctx, req, id, func(p *catalog.Plan, now time.Time) ([]event.Payload, error) {
		return p.Publish(product, command.Code, command.Terms, now)
	})
	return Plan{Plan: result.State, Outcome: result.Outcome}, err
}
