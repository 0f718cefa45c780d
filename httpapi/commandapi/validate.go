package commandapi

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/keyring"
)

// maxNonce is how many characters a nonce may have.
const maxNonce = 128

// Validate implements [StrictServerInterface].
func (s server) Validate(ctx context.Context, r ValidateRequestObject) (ValidateResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	if r.Body.Nonce != nil {
		var check domainerr.Check
		check.Require(*r.Body.Nonce != "" && utf8.RuneCountInString(*r.Body.Nonce) <= maxNonce, "nonce", "must be 1 to 128 characters")
		if err := check.Err(); err != nil {
			return nil, err
		}
	}
	key, err := s.Commands.Activation.ParseLicenseKey(ctx, r.Body.LicenseKey)
	if err != nil && !errors.Is(err, keyring.ErrLicenseKeyInvalid) { // a key that nobody made gets a verdict
		return nil, err
	}
	question := activation.Validate{LicenseKey: key, Product: value(r.Body.Product), Entitlements: r.Body.Entitlements}
	if r.Body.Machine != nil {
		machine := presented(*r.Body.Machine)
		question.Machine = &machine
	}
	verdict, err := s.Commands.Activation.Validate(ctx, request, question)
	if err != nil {
		return nil, err
	}
	answer := ValidatedJSONResponse{Body: verdictJSON(verdict, r.Body.Nonce)}
	answer.Headers.LedgerPosition = uint64(verdict.Position)
	if verdict.License != nil {
		tag := etag(verdict.Revision)
		answer.Headers.ETag = &tag
	}
	return Validate200JSONResponse{answer}, nil
}

func verdictJSON(v activation.Verdict, nonce *string) api.Verdict {
	described := api.Verdict{
		Valid:     v.Code == license.Valid,
		Code:      api.VerdictCode(v.Code),
		Nonce:     nonce,
		DecidedBy: make([]api.Cause, len(v.DecidedBy)),
	}
	if l := v.License; l != nil {
		described.License = &api.ValidatedLicense{
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
		described.Certificate, described.ExpiresAt = &a.Certificate, utc(&a.ExpiresAt)
	}
	for i, e := range v.DecidedBy {
		described.DecidedBy[i] = api.Cause{Position: uint64(e.Position), Type: string(e.Type)}
		if e.ID != uuid.Nil {
			described.DecidedBy[i].EventID = &e.ID
		}
	}
	return described
}
