package present

import (
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
)

// License returns a licence as a command left it.
func License(l licensing.License) api.License {
	out := api.License{
		ID:       l.ID,
		Product:  productRef(l.Stream),
		Plan:     planRef(l.Stream),
		Status:   api.LicenseStatus(l.Status()),
		Metadata: metadata(l.Metadata),
		Features: features(l.Policy.Features),
		Seats:    api.Seats{Used: l.SeatsUsed(), Limit: l.Policy.Seats()},
		Policy: api.Policy{
			ValidityDays:            l.Policy.ValidityDays,
			ValidityStarts:          api.ValidityStart(l.Policy.ValidityStarts),
			OfflineDays:             l.Policy.OfflineDays,
			LeaseSeconds:            l.Policy.LeaseSeconds,
			FingerprintMatch:        api.FingerprintMatch(l.Policy.FingerprintMatch),
			MaxRebinds:              l.Policy.MaxRebinds,
			RebindWindowDays:        l.Policy.RebindWindowDays,
			RebindCooldownSeconds:   l.Policy.RebindCooldownSeconds,
			DailyActivationsPerSeat: l.Policy.DailyActivationsPerSeat,
		},
		KeyGeneration: int(l.KeyGeneration),
		IssuedAt:      l.IssuedAt.UTC(),
		ExpiresAt:     utc(l.ExpiresAt),
		SuspendedAt:   since(l.Suspension),
		ExpiredAt:     since(l.Expiry),
		RevokedAt:     since(l.Revocation),
		Revision:      api.Revision(l.Revision),
	}
	if l.Customer != nil {
		out.Customer = &api.Customer{Name: l.Customer.Name, Email: l.Customer.Email}
	}
	return out
}

// IssuedLicense returns a licence together with its key.
func IssuedLicense(l licensing.IssuedLicense) api.IssuedLicense {
	return api.IssuedLicense{License: License(l.License), Key: l.Key}
}

// BatchOutcome returns what became of each licence of a batch. problem converts the error of a licence that was refused.
func BatchOutcome(outcomes []licensing.IssueOutcome, problem func(error) api.Problem) api.BatchOutcome {
	out := api.BatchOutcome{Outcomes: make([]api.IssueOutcome, len(outcomes))}
	for i, o := range outcomes {
		if o.Err != nil {
			document := problem(o.Err)
			out.Outcomes[i].Problem = &document
			out.Refused++
			continue
		}
		license := IssuedLicense(o.Issued)
		out.Outcomes[i].License = &license
		out.Issued++
	}
	return out
}

// LicenseRow returns a licence as a read model holds it. It fails if the row's features are not JSON.
func LicenseRow(l licenses.License) (api.License, error) {
	features, err := storedFeatures(l.Features)
	out := api.License{
		ID:       l.ID,
		Product:  api.ProductRef{ID: l.ProductID, Code: l.ProductCode},
		Plan:     api.PlanRef{ID: l.PlanID, Code: l.PlanCode, Revision: l.PlanRevision, Type: api.PlanType(l.PlanType)},
		Status:   api.LicenseStatus(l.Status),
		Metadata: metadata(l.Metadata),
		Features: features,
		Seats:    api.Seats{Used: l.SeatsUsed, Limit: l.SeatLimit},
		Policy: api.Policy{
			ValidityDays:            l.ValidityDays,
			ValidityStarts:          api.ValidityStart(l.ValidityStarts),
			OfflineDays:             l.OfflineDays,
			LeaseSeconds:            l.LeaseSeconds,
			FingerprintMatch:        api.FingerprintMatch(l.FingerprintMatch),
			MaxRebinds:              l.MaxRebinds,
			RebindWindowDays:        l.RebindWindowDays,
			RebindCooldownSeconds:   l.RebindCooldownSeconds,
			DailyActivationsPerSeat: l.DailyActivationsPerSeat,
		},
		KeyGeneration: l.KeyGeneration,
		IssuedAt:      l.IssuedAt,
		ExpiresAt:     l.ExpiresAt,
		SuspendedAt:   l.SuspendedAt,
		ExpiredAt:     l.ExpiredAt,
		RevokedAt:     l.RevokedAt,
		Revision:      l.Revision,
	}
	if l.CustomerName != nil && l.CustomerEmail != nil {
		out.Customer = &api.Customer{Name: *l.CustomerName, Email: *l.CustomerEmail}
	}
	return out, err
}
