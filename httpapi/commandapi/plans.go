package commandapi

import (
	"context"

	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// PublishPlan implements [StrictServerInterface].
func (s server) PublishPlan(ctx context.Context, r PublishPlanRequestObject) (PublishPlanResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := s.Commands.Catalog.PublishPlan(ctx, request, catalogcommands.PublishPlan{
		ProductID: r.ID,
		Code:      r.Body.Code,
		Terms: terms(api.PlanTerms{
			Currency:         r.Body.Currency,
			Features:         r.Body.Features,
			FingerprintMatch: r.Body.FingerprintMatch,
			LeaseSeconds:     r.Body.LeaseSeconds,
			MaxMachines:      r.Body.MaxMachines,
			MaxRebinds:       r.Body.MaxRebinds,
			Name:             r.Body.Name,
			PriceMinor:       r.Body.PriceMinor,
			RebindWindowDays: r.Body.RebindWindowDays,
			Type:             r.Body.Type,
			ValidityDays:     r.Body.ValidityDays,
			ValidityStarts:   r.Body.ValidityStarts,
		}),
	})
	if err != nil {
		return nil, err
	}
	return PublishPlan201JSONResponse{PlanPublishedJSONResponse{
		Body:    planJSON(plan),
		Headers: PlanPublishedResponseHeaders(createdAt("/v1/plans/"+plan.ID.String(), plan.Outcome)),
	}}, nil
}

// RevisePlan implements [StrictServerInterface].
func (s server) RevisePlan(ctx context.Context, r RevisePlanRequestObject) (RevisePlanResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := s.Commands.Catalog.RevisePlan(ctx, request, catalogcommands.RevisePlan{PlanID: r.ID, Terms: terms(*r.Body)})
	if err != nil {
		return nil, err
	}
	return RevisePlan200JSONResponse{PlanRevisedJSONResponse{
		Body: planJSON(plan), Headers: PlanRevisedResponseHeaders(headers(plan.Outcome)),
	}}, nil
}

func terms(t api.PlanTerms) catalog.Terms {
	named := catalog.Terms{
		Name:             t.Name,
		Type:             catalog.PlanType(t.Type),
		MaxMachines:      t.MaxMachines,
		ValidityDays:     t.ValidityDays,
		ValidityStarts:   catalog.ValidityStart(value(t.ValidityStarts)),
		Features:         catalog.Features(value(t.Features)),
		LeaseSeconds:     t.LeaseSeconds,
		FingerprintMatch: machine.Match(value(t.FingerprintMatch)),
		MaxRebinds:       t.MaxRebinds,
		RebindWindowDays: value(t.RebindWindowDays),
	}
	if t.PriceMinor != nil || t.Currency != nil {
		named.Price = &catalog.Price{Minor: value(t.PriceMinor), Currency: value(t.Currency)}
	}
	return named
}

func planJSON(p catalogcommands.Plan) api.Plan {
	t := p.Terms
	described := api.Plan{
		ID:               p.ID,
		ProductID:        p.ProductID,
		Code:             p.Code,
		Revision:         api.Revision(p.Outcome.Revision),
		Name:             t.Name,
		Type:             api.PlanType(t.Type),
		MaxMachines:      t.MaxMachines,
		ValidityDays:     t.ValidityDays,
		ValidityStarts:   api.ValidityStart(t.ValidityStarts),
		Features:         features(t.Features),
		LeaseSeconds:     t.LeaseSeconds,
		FingerprintMatch: api.FingerprintMatch(t.FingerprintMatch),
		MaxRebinds:       t.MaxRebinds,
		RebindWindowDays: t.RebindWindowDays,
		PublishedAt:      p.PublishedAt.UTC(),
	}
	if t.Price != nil {
		described.PriceMinor, described.Currency = &t.Price.Minor, &t.Price.Currency
	}
	if p.RevisedAt.After(p.PublishedAt) {
		revised := p.RevisedAt.UTC()
		described.RevisedAt = &revised
	}
	return described
}

// features are never null.
func features(f catalog.Features) api.Features {
	if f == nil {
		return api.Features{}
	}
	return api.Features(f)
}
