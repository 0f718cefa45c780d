package present

import (
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
)

// Plan returns a plan as a command left it.
func Plan(p catalogcommands.Plan) api.Plan {
	t := p.Terms
	out := api.Plan{
		ID:                      p.ID,
		ProductID:               p.ProductID,
		Code:                    p.Code,
		Revision:                api.Revision(p.Outcome.Revision),
		Name:                    t.Name,
		Type:                    api.PlanType(t.Type),
		MaxMachines:             t.MaxMachines,
		ValidityDays:            t.ValidityDays,
		ValidityStarts:          api.ValidityStart(t.ValidityStarts),
		Features:                features(t.Features),
		LeaseSeconds:            t.LeaseSeconds,
		FingerprintMatch:        api.FingerprintMatch(t.FingerprintMatch),
		MaxRebinds:              t.MaxRebinds,
		RebindWindowDays:        t.RebindWindowDays,
		RebindCooldownSeconds:   t.RebindCooldownSeconds,
		DailyActivationsPerSeat: t.DailyActivationsPerSeat,
		PublishedAt:             p.PublishedAt.UTC(),
	}
	if t.Price != nil {
		out.PriceMinor, out.Currency = &t.Price.Minor, &t.Price.Currency
	}
	if p.RevisedAt.After(p.PublishedAt) {
		out.RevisedAt = utc(&p.RevisedAt)
	}
	return out
}

// PlanRow returns a plan as a read model holds it. It fails if the row's features are not JSON.
func PlanRow(p readmodel.Plan) (api.Plan, error) {
	features, err := storedFeatures(p.Features)
	return api.Plan{
		ID:                      p.ID,
		ProductID:               p.ProductID,
		Code:                    p.Code,
		Revision:                p.Revision,
		Name:                    p.Name,
		Type:                    api.PlanType(p.Type),
		MaxMachines:             p.MaxMachines,
		ValidityDays:            p.ValidityDays,
		ValidityStarts:          api.ValidityStart(p.ValidityStarts),
		Features:                features,
		PriceMinor:              p.PriceMinor,
		Currency:                p.Currency,
		LeaseSeconds:            p.LeaseSeconds,
		FingerprintMatch:        api.FingerprintMatch(p.FingerprintMatch),
		MaxRebinds:              p.MaxRebinds,
		RebindWindowDays:        p.RebindWindowDays,
		RebindCooldownSeconds:   p.RebindCooldownSeconds,
		DailyActivationsPerSeat: p.DailyActivationsPerSeat,
		PublishedAt:             p.PublishedAt,
		RevisedAt:               p.RevisedAt,
	}, err
}

func planRef(s *license.Stream) api.PlanRef {
	return api.PlanRef{ID: s.PlanID, Code: s.PlanCode, Revision: s.PlanRevision, Type: api.PlanType(s.Policy.PlanType)}
}
