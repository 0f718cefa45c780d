package queryapi

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
)

// defaultSort shows the newest licences first.
const defaultSort = api.MinusIssuedAt

// ListLicenses implements [StrictServerInterface].
func (s server) ListLicenses(ctx context.Context, r ListLicensesRequestObject) (ListLicensesResponseObject, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return nil, err
	}
	filter, err := licenseFilter(r.Params)
	if err != nil {
		return nil, err
	}
	part, err := paging(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	if err := s.wait(ctx, r.Params.LedgerPosition, licenses.Definition.Name, catalog.Definition.Name); err != nil {
		return nil, err
	}
	rows, err := s.Licenses.List(ctx, principal.Tenant, filter, part)
	if err != nil {
		return nil, err
	}
	items, cursor, link, err := page(ctx, rows, licenseJSON)
	return ListLicenses200JSONResponse{
		Body: api.LicensePage{Items: items, NextCursor: cursor}, Headers: ListLicenses200ResponseHeaders{Link: link},
	}, err
}

func licenseFilter(p api.ListLicensesParams) (licenses.Filter, error) {
	sort := defaultSort
	if p.Sort != nil {
		sort = *p.Sort
	}
	var check domainerr.Check
	check.Require(sort.Valid(), "sort", "must be issued_at, expires_at, customer_name or status, with a leading - for the reverse")
	check.Require(p.Status == nil || p.Status.Valid(), "status", "must be ACTIVE, SUSPENDED, EXPIRED or REVOKED")
	key, descending := strings.CutPrefix(string(sort), "-")
	return licenses.Filter{
		Status:     string(value(p.Status)),
		Product:    value(p.Product),
		Plan:       value(p.Plan),
		Customer:   value(p.Customer),
		Search:     value(p.Q),
		Sort:       licenses.Sort(key),
		Descending: descending,
	}, check.Err()
}

// GetLicense implements [StrictServerInterface].
func (s server) GetLicense(ctx context.Context, r GetLicenseRequestObject) (GetLicenseResponseObject, error) {
	row, err := s.license(ctx, r.ID, r.Params.LedgerPosition, licenses.Definition.Name)
	if err != nil {
		return nil, err
	}
	described, err := licenseJSON(row)
	return GetLicense200JSONResponse{Body: described, Headers: GetLicense200ResponseHeaders{ETag: etag(row.Revision)}}, err
}

// license finds a licence once the projections have reached the position that is asked for.
func (s server) license(ctx context.Context, id uuid.UUID, position *string, projections ...string) (licenses.License, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return licenses.License{}, err
	}
	if err := s.wait(ctx, position, projections...); err != nil {
		return licenses.License{}, err
	}
	row, err := s.Licenses.Find(ctx, principal.Tenant, id)
	return row, notFoundAs(license.ErrNotFound, err)
}

func licenseJSON(l licenses.License) (api.License, error) {
	features, err := features(l.Features)
	described := api.License{
		ID:       l.ID,
		Product:  api.ProductRef{ID: l.ProductID, Code: l.ProductCode},
		Plan:     api.PlanRef{ID: l.PlanID, Code: l.PlanCode, Revision: l.PlanRevision, Type: api.PlanType(l.PlanType)},
		Status:   api.LicenseStatus(l.Status),
		Metadata: l.Metadata,
		Features: features,
		Seats:    api.Seats{Used: l.SeatsUsed, Limit: l.SeatLimit},
		Policy: api.Policy{
			ValidityDays:     l.ValidityDays,
			ValidityStarts:   api.ValidityStart(l.ValidityStarts),
			OfflineDays:      l.OfflineDays,
			LeaseSeconds:     l.LeaseSeconds,
			FingerprintMatch: api.FingerprintMatch(l.FingerprintMatch),
			MaxRebinds:       l.MaxRebinds,
			RebindWindowDays: l.RebindWindowDays,
		},
		KeyGeneration: l.KeyGeneration,
		IssuedAt:      l.IssuedAt,
		ExpiresAt:     l.ExpiresAt,
		SuspendedAt:   l.SuspendedAt,
		ExpiredAt:     l.ExpiredAt,
		RevokedAt:     l.RevokedAt,
		Revision:      l.Revision,
	}
	if described.Metadata == nil {
		described.Metadata = api.Metadata{}
	}
	if l.CustomerName != nil && l.CustomerEmail != nil {
		described.Customer = &api.Customer{Name: *l.CustomerName, Email: *l.CustomerEmail}
	}
	return described, err
}
