package commandapi

import (
	"maps"
	"time"

	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

func issueLicense(b api.IssueLicense) licensing.IssueLicense {
	return licensing.IssueLicense{
		Product:     b.Product,
		Plan:        b.Plan,
		Customer:    license.Customer{Name: b.Customer.Name, Email: b.Customer.Email},
		MaxMachines: b.MaxMachines,
		ExpiresAt:   b.ExpiresAt,
		Metadata:    value(b.Metadata),
	}
}

func issuedLicenseJSON(l licensing.IssuedLicense) api.IssuedLicense {
	return api.IssuedLicense{License: licenseJSON(l.License), Key: l.Key}
}

func licenseJSON(l licensing.License) api.License {
	described := api.License{
		ID:       l.ID,
		Product:  productRef(l.Stream),
		Plan:     planRef(l.Stream),
		Status:   api.LicenseStatus(l.Status()),
		Metadata: api.Metadata{},
		Features: features(l.Policy.Features),
		Seats:    api.Seats{Used: l.SeatsUsed(), Limit: l.Policy.Seats()},
		Policy: api.Policy{
			ValidityDays:     l.Policy.ValidityDays,
			ValidityStarts:   api.ValidityStart(l.Policy.ValidityStarts),
			OfflineDays:      l.Policy.OfflineDays,
			LeaseSeconds:     l.Policy.LeaseSeconds,
			FingerprintMatch: api.FingerprintMatch(l.Policy.FingerprintMatch),
			MaxRebinds:       l.Policy.MaxRebinds,
			RebindWindowDays: l.Policy.RebindWindowDays,
		},
		KeyGeneration: int(l.KeyGeneration),
		IssuedAt:      l.IssuedAt.UTC(),
		ExpiresAt:     utc(l.ExpiresAt),
		SuspendedAt:   since(l.Suspension),
		ExpiredAt:     since(l.Expiry),
		RevokedAt:     since(l.Revocation),
		Revision:      api.Revision(l.Revision),
	}
	maps.Copy(described.Metadata, l.Metadata)
	if l.Customer != nil {
		described.Customer = &api.Customer{Name: l.Customer.Name, Email: l.Customer.Email}
	}
	return described
}

func productRef(s *license.Stream) api.ProductRef {
	return api.ProductRef{ID: s.ProductID, Code: s.ProductCode}
}

func planRef(s *license.Stream) api.PlanRef {
	return api.PlanRef{ID: s.PlanID, Code: s.PlanCode, Revision: s.PlanRevision, Type: api.PlanType(s.Policy.PlanType)}
}

// since is when a fact began to hold, nil while it does not.
func since(f *license.Fact) *time.Time {
	if f == nil {
		return nil
	}
	return utc(&f.Since)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	in := t.UTC()
	return &in
}
