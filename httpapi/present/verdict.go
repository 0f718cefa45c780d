package present

import (
	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// Verdict returns the result of a validation, with the nonce of the request.
func Verdict(v activation.Verdict, nonce *string) api.Verdict {
	out := api.Verdict{
		Valid:     v.Code == license.Valid,
		Code:      api.VerdictCode(v.Code),
		Nonce:     nonce,
		DecidedBy: make([]api.Cause, len(v.DecidedBy)),
	}
	if l := v.License; l != nil {
		out.License = &api.ValidatedLicense{
			ID:        l.ID,
			Product:   productRef(l),
			Plan:      planRef(l),
			Status:    api.LicenseStatus(l.Status()),
			Features:  features(l.Policy.Features),
			ExpiresAt: utc(l.ExpiresAt),
			Seats:     api.Seats{Used: l.SeatsUsed(), Limit: l.Policy.Seats()},
		}
	}
	if a := v.Activation; a != nil {
		out.Certificate, out.ExpiresAt = &a.Certificate, utc(&a.ExpiresAt)
	}
	for i, e := range v.DecidedBy {
		out.DecidedBy[i] = api.Cause{Position: uint64(e.Position), Type: string(e.Type)}
		if e.ID != uuid.Nil {
			out.DecidedBy[i].EventID = &e.ID
		}
	}
	return out
}
