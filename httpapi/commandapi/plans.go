package commandapi

import (
	"context"

	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// PublishPlan implements [StrictServerInterface].
func (s server) PublishPlan(ctx context.Context, r PublishPlanRequestObject) (PublishPlanResponseObject, error) {
	terms, err := toTerms(api.PlanTerms{
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
	})
	if err != nil {
		return nil, err
	}
	command := catalogcommands.PublishPlan{ProductID: r.ID, Code: r.Body.Code, Terms: terms}
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
	terms, err := toTerms(*r.Body)
	if err != nil {
		return nil, err
	}
	command := catalogcommands.RevisePlan{PlanID: r.ID, Terms: terms}
	plan, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Catalog.RevisePlan, command)
	if err != nil {
		return nil, err
	}
	return RevisePlan200JSONResponse{PlanRevisedJSONResponse{
		Body: present.Plan(plan), Headers: PlanRevisedResponseHeaders(headers(plan.Outcome)),
	}}, nil
}

// toTerms converts the body of a request into the terms of a plan. The domain takes an empty value for one that was left out, so those that
// are there but empty are refused here.
func toTerms(t api.PlanTerms) (catalog.Terms, error) {
	var check domainerr.Check
	check.Require(api.Value(t.ValidityStarts) != "" || t.ValidityStarts == nil, "validity_starts", "must be ISSUE or FIRST_ACTIVATION")
	check.Require(api.Value(t.FingerprintMatch) != "" || t.FingerprintMatch == nil, "fingerprint_match", "must be ANY, TWO, MOST or ALL")
	check.Require(api.Value(t.RebindWindowDays) != 0 || t.RebindWindowDays == nil, "rebind_window_days", "must be 1 to 36500")
	check.Require(t.Currency != nil || t.PriceMinor == nil, "currency", "must be given with a price")
	check.Require(t.PriceMinor != nil || t.Currency == nil, "price_minor", "must be given with a currency")
	if err := check.Err(); err != nil {
		return catalog.Terms{}, err
	}
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
	return out, nil
}
