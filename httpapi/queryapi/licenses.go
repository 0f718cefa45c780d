package queryapi

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// defaultSort shows the newest licences first.
const defaultSort = api.MinusIssuedAt

// ListLicenses implements [StrictServerInterface].
func (s server) ListLicenses(ctx context.Context, r ListLicensesRequestObject) (ListLicensesResponseObject, error) {
	filter, err := licenseFilter(r.Params)
	if err != nil {
		return nil, err
	}
	query := listQuery{r.Params.Cursor, r.Params.Limit, r.Params.LedgerPosition, []string{licenses.Definition.Name, catalog.Definition.Name}}
	rows := func(ctx context.Context, tenant string, paging store.Paging) (store.Page[licenses.License], error) {
		return s.Licenses.List(ctx, tenant, filter, paging)
	}
	page, err := list(ctx, s, query, rows, present.LicenseRow)
	return ListLicenses200JSONResponse{
		Body: api.LicensePage{Items: page.items, NextCursor: page.nextCursor}, Headers: ListLicenses200ResponseHeaders{Link: page.link},
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
		Status:     string(api.Value(p.Status)),
		Product:    api.Value(p.Product),
		Plan:       api.Value(p.Plan),
		Customer:   api.Value(p.Customer),
		Search:     api.Value(p.Q),
		Sort:       licenses.Sort(key),
		Descending: descending,
	}, check.Err()
}

// GetLicense implements [StrictServerInterface].
func (s server) GetLicense(ctx context.Context, r GetLicenseRequestObject) (GetLicenseResponseObject, error) {
	tenant, err := s.tenantAt(ctx, r.Params.LedgerPosition, licenses.Definition.Name)
	if err != nil {
		return nil, err
	}
	row, err := s.Licenses.Find(ctx, tenant, r.ID)
	if err != nil {
		return nil, notFoundAs(license.ErrNotFound, err)
	}
	body, err := present.LicenseRow(row)
	return GetLicense200JSONResponse{Body: body, Headers: GetLicense200ResponseHeaders{ETag: present.ETag(row.Revision)}}, err
}

// GetLicenseHistory implements [StrictServerInterface].
func (s server) GetLicenseHistory(ctx context.Context, r GetLicenseHistoryRequestObject) (GetLicenseHistoryResponseObject, error) {
	query := listQuery{r.Params.Cursor, r.Params.Limit, r.Params.LedgerPosition, []string{licenses.Definition.Name, timeline.Definition.Name}}
	rows := ofLicense(s, r.ID, s.Timeline.OfLicense)
	page, err := list(ctx, s, query, rows, withoutError(present.HistoryEntry))
	return GetLicenseHistory200JSONResponse{
		Body: api.HistoryPage{Items: page.items, NextCursor: page.nextCursor}, Headers: GetLicenseHistory200ResponseHeaders{Link: page.link},
	}, err
}

// licenseRowsQuery queries a page of rows of a licence.
type licenseRowsQuery[Row any] func(ctx context.Context, tenant string, id uuid.UUID, paging store.Paging) (store.Page[Row], error)

// ofLicense restricts a query to one licence. The query fails with [license.ErrNotFound] if the tenant has no such licence.
func ofLicense[Row any](s server, id uuid.UUID, rows licenseRowsQuery[Row]) rowsQuery[Row] {
	return func(ctx context.Context, tenant string, paging store.Paging) (store.Page[Row], error) {
		if _, err := s.Licenses.Find(ctx, tenant, id); err != nil {
			return store.Page[Row]{}, notFoundAs(license.ErrNotFound, err)
		}
		return rows(ctx, tenant, id, paging)
	}
}
