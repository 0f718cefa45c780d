package commandapi

import (
	"context"

	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// PublishPlan implements [StrictServerInterface].
func (s server) PublishPlan(ctx context.Context, r PublishPlanRequestObject) (PublishPlanResponseObject, error) {
	command := catalogcommands.PublishPlan{
		ProductID: r.ID,
		Code:      r.Body.Code,
		Terms: toTerms(api.PlanTerms{
			Currency:                r.Body.Currency,
			Features:                r.Body.Features,
			FingerprintMatch:        r.Body.FingerprintMatch,
			LeaseSeconds:            r.Body.LeaseSeconds,
			MaxMachines:             r.Body.MaxMachines,
			MaxRebinds:              r.Body.MaxRebinds,
			Name:                    r.Body.Name,
			PriceMinor:              r.Body.PriceMinor,
			RebindWindowDays:        r.Body.RebindWindowDays,
			RebindCooldownSeconds:   r.Body.RebindCooldownSeconds,
			DailyActivationsPerSeat: r.Body.DailyActivationsPerSeat,
			Type:                    r.Body.Type,
			ValidityDays:            r.Body.ValidityDays,
			ValidityStarts:          r.Body.ValidityStarts,
		}),
	}
	plan, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Catalog.PublishPlan, command)
	if err != nil {
		return nil, err
	}
	return PublishPlan201JSONResponse{PlanPublishedJSONResponse{
		Body:    present.Plan(plan),
		Headers: PlanPublishedResponseHeaders(headersWithLocation("/v1/plans/"+plan.ID.String(), plan.Outcome)),
	}}, nil
}

// RevisePlan implements [StrictServerInterface].
func (s server) RevisePlan(ctx context.Context, r RevisePlanRequestObject) (RevisePlanResponseObject, error) {
	command := catalogcommands.RevisePlan{PlanID: r.ID, Terms: toTerms(*r.Body)}
	plan, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Catalog.RevisePlan, command)
	if err != nil {
		return nil, err
	}
	return RevisePlan200JSONResponse{PlanRevisedJSONResponse{
		Body: present.Plan(plan), Headers: PlanRevisedResponseHeaders(headers(plan.Outcome)),
	}}, nil
}

// toTerms converts the body of a request into the terms of a plan.
func toTerms(t api.PlanTerms) catalog.Terms {
	out := catalog.Terms{
		Name:                    t.Name,
		Type:                    catalog.PlanType(t.Type),
		MaxMachines:             t.MaxMachines,
		ValidityDays:            t.ValidityDays,
		ValidityStarts:          catalog.ValidityStart(api.Value(t.ValidityStarts)),
		Features:                catalog.Features(api.Value(t.Features)),
		LeaseSeconds:            t.LeaseSeconds,
		FingerprintMatch:        machine.Match(api.Value(t.FingerprintMatch)),
		MaxRebinds:              t.MaxRebinds,
		RebindWindowDays:        api.Value(t.RebindWindowDays),
		RebindCooldownSeconds:   t.RebindCooldownSeconds,
		DailyActivationsPerSeat: t.DailyActivationsPerSeat,
	}
	if t.PriceMinor != nil || t.Currency != nil {
		out.Price = &catalog.Price{Minor: api.Value(t.PriceMinor), Currency: api.Value(t.Currency)}
	}
	return out
}
