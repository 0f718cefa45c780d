package commandapi

import (
	"context"

	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// IssueLicense implements [StrictServerInterface].
func (s server) IssueLicense(ctx context.Context, r IssueLicenseRequestObject) (IssueLicenseResponseObject, error) {
	command := toIssueLicense(*r.Body)
	issued, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.IssueLicense, command)
	if err != nil {
		return nil, err
	}
	return IssueLicense201JSONResponse{LicenseIssuedJSONResponse{
		Body:    present.IssuedLicense(issued),
		Headers: LicenseIssuedResponseHeaders(headersWithLocation("/v1/licenses/"+issued.ID.String(), issued.Outcome)),
	}}, nil
}

// IssueLicenses implements [StrictServerInterface].
func (s server) IssueLicenses(ctx context.Context, r IssueLicensesRequestObject) (IssueLicensesResponseObject, error) {
	batch := make([]licensing.IssueLicense, len(r.Body.Licenses))
	for i, l := range r.Body.Licenses {
		batch[i] = toIssueLicense(l)
	}
	outcomes, err := execute(ctx, commandHeaders{IdempotencyKey: r.Params.IdempotencyKey}, s.Commands.Licensing.IssueLicenses, batch)
	if err != nil {
		return nil, err
	}
	problem := func(err error) api.Problem { return s.Problems.Document(ctx, err) }
	return IssueLicenses200JSONResponse{LicensesIssuedJSONResponse{
		Body: present.BatchOutcome(outcomes, problem), Headers: batchHeaders(outcomes),
	}}, nil
}

// SuspendLicense implements [StrictServerInterface].
func (s server) SuspendLicense(ctx context.Context, r SuspendLicenseRequestObject) (SuspendLicenseResponseObject, error) {
	command := licensing.SuspendLicense{LicenseID: r.ID, Reason: r.Body.Reason}
	changed, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.SuspendLicense, command)
	if err != nil {
		return nil, err
	}
	return SuspendLicense200JSONResponse{licenseResponse(changed)}, nil
}

// ReinstateLicense implements [StrictServerInterface].
func (s server) ReinstateLicense(ctx context.Context, r ReinstateLicenseRequestObject) (ReinstateLicenseResponseObject, error) {
	command := licensing.ReinstateLicense{LicenseID: r.ID, Reason: r.Body.Reason}
	changed, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.ReinstateLicense, command)
	if err != nil {
		return nil, err
	}
	return ReinstateLicense200JSONResponse{licenseResponse(changed)}, nil
}

// RevokeLicense implements [StrictServerInterface].
func (s server) RevokeLicense(ctx context.Context, r RevokeLicenseRequestObject) (RevokeLicenseResponseObject, error) {
	command := licensing.RevokeLicense{LicenseID: r.ID, Reason: r.Body.Reason}
	changed, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.RevokeLicense, command)
	if err != nil {
		return nil, err
	}
	return RevokeLicense200JSONResponse{licenseResponse(changed)}, nil
}

// RenewLicense implements [StrictServerInterface].
func (s server) RenewLicense(ctx context.Context, r RenewLicenseRequestObject) (RenewLicenseResponseObject, error) {
	command := licensing.RenewLicense{
		LicenseID: r.ID, Reason: r.Body.Reason, ExtendDays: r.Body.ExtendDays, ExpiresAt: r.Body.ExpiresAt,
	}
	changed, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.RenewLicense, command)
	if err != nil {
		return nil, err
	}
	return RenewLicense200JSONResponse{licenseResponse(changed)}, nil
}

// UndoExpiry implements [StrictServerInterface].
func (s server) UndoExpiry(ctx context.Context, r UndoExpiryRequestObject) (UndoExpiryResponseObject, error) {
	command := licensing.UndoExpiry{LicenseID: r.ID, Reason: r.Body.Reason}
	changed, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.UndoExpiry, command)
	if err != nil {
		return nil, err
	}
	return UndoExpiry200JSONResponse{licenseResponse(changed)}, nil
}

// ReissueKey implements [StrictServerInterface].
func (s server) ReissueKey(ctx context.Context, r ReissueKeyRequestObject) (ReissueKeyResponseObject, error) {
	command := licensing.ReissueKey{LicenseID: r.ID, Reason: r.Body.Reason}
	reissued, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Licensing.ReissueKey, command)
	if err != nil {
		return nil, err
	}
	return ReissueKey200JSONResponse{KeyReissuedJSONResponse{
		Body: present.IssuedLicense(reissued), Headers: KeyReissuedResponseHeaders(headers(reissued.Outcome)),
	}}, nil
}

func licenseResponse(l licensing.License) LicenseChangedJSONResponse {
	return LicenseChangedJSONResponse{Body: present.License(l), Headers: LicenseChangedResponseHeaders(headers(l.Outcome))}
}

// toIssueLicense converts the body of a request into a command.
func toIssueLicense(b api.IssueLicense) licensing.IssueLicense {
	return licensing.IssueLicense{
		Product:     b.Product,
		Plan:        b.Plan,
		Customer:    license.Customer{Name: b.Customer.Name, Email: b.Customer.Email},
		MaxMachines: b.MaxMachines,
		ExpiresAt:   b.ExpiresAt,
		Metadata:    api.Value(b.Metadata),
	}
}
