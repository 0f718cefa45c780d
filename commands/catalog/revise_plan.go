package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
)

// RevisePlan replaces a plan's terms for licences issued from then on. Refusals: catalog.ErrPlanNotFound, a [domainerr.Invalid].
type RevisePlan struct {
	PlanID uuid.UUID
	Terms  catalog.Terms // see [catalog.Terms.WithDefaults]
}

func (c *Commands) revisePlan(ctx context.Context, req runtime.Request, command RevisePlan) (Plan, error) {
	result, err := c.plans.Execute(ctx, req, command.PlanID, func(p *catalog.Plan, now time.Time) ([]event.Payload, error) {
		return p.Revise(command.Terms, now)
	})
	return Plan{Plan: result.State, Outcome: result.Outcome}, err
}
