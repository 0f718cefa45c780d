package commandapi

import (
	"context"

	"github.com/licenseledger/licenseledger/commands/licensing"
)

// IssueLicense implements [StrictServerInterface].
func (s server) IssueLicense(ctx context.Context, r IssueLicenseRequestObject) (IssueLicenseResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	issued, err := s.Commands.Licensing.IssueLicense(ctx, request, issueLicense(*r.Body))
	if err != nil {
		return nil, err
	}
	return IssueLicense201JSONResponse{LicenseIssuedJSONResponse{
		Body:    issuedLicenseJSON(issued),
		Headers: LicenseIssuedResponseHeaders(createdAt("/v1/licenses/"+issued.ID.String(), issued.Outcome)),
	}}, nil
}

// SuspendLicense implements [StrictServerInterface].
func (s server) SuspendLicense(ctx context.Context, r SuspendLicenseRequestObject) (SuspendLicenseResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	suspended, err := s.Commands.Licensing.SuspendLicense(ctx, request, licensing.SuspendLicense{LicenseID: r.ID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return SuspendLicense200JSONResponse{licenseChanged(suspended)}, nil
}

// ReinstateLicense implements [StrictServerInterface].
func (s server) ReinstateLicense(ctx context.Context, r ReinstateLicenseRequestObject) (ReinstateLicenseResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	reinstated, err := s.Commands.Licensing.ReinstateLicense(ctx, request, licensing.ReinstateLicense{LicenseID: r.ID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ReinstateLicense200JSONResponse{licenseChanged(reinstated)}, nil
}

// RevokeLicense implements [StrictServerInterface].
func (s server) RevokeLicense(ctx context.Context, r RevokeLicenseRequestObject) (RevokeLicenseResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	revoked, err := s.Commands.Licensing.RevokeLicense(ctx, request, licensing.RevokeLicense{LicenseID: r.ID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return RevokeLicense200JSONResponse{licenseChanged(revoked)}, nil
}

// RenewLicense implements [StrictServerInterface].
func (s server) RenewLicense(ctx context.Context, r RenewLicenseRequestObject) (RenewLicenseResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	renewed, err := s.Commands.Licensing.RenewLicense(ctx, request, licensing.RenewLicense{
		LicenseID: r.ID, Reason: r.Body.Reason, ExtendDays: r.Body.ExtendDays, ExpiresAt: r.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return RenewLicense200JSONResponse{licenseChanged(renewed)}, nil
}

// UndoExpiry implements [StrictServerInterface].
func (s server) UndoExpiry(ctx context.Context, r UndoExpiryRequestObject) (UndoExpiryResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	undone, err := s.Commands.Licensing.UndoExpiry(ctx, request, licensing.UndoExpiry{LicenseID: r.ID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return UndoExpiry200JSONResponse{licenseChanged(undone)}, nil
}

// ReissueKey implements [StrictServerInterface].
func (s server) ReissueKey(ctx context.Context, r ReissueKeyRequestObject) (ReissueKeyResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	reissued, err := s.Commands.Licensing.ReissueKey(ctx, request, licensing.ReissueKey{LicenseID: r.ID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return ReissueKey200JSONResponse{KeyReissuedJSONResponse{
		Body: issuedLicenseJSON(reissued), Headers: KeyReissuedResponseHeaders(headers(reissued.Outcome)),
	}}, nil
}

func licenseChanged(l licensing.License) LicenseChangedJSONResponse {
	return LicenseChangedJSONResponse{Body: licenseJSON(l), Headers: LicenseChangedResponseHeaders(headers(l.Outcome))}
}
