package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// ListPlans implements [StrictServerInterface].
func (s server) ListPlans(ctx context.Context, r ListPlansRequestObject) (ListPlansResponseObject, error) {
	query := listQuery{r.Params.Cursor, r.Params.Limit, r.Params.LedgerPosition, []string{readmodel.Definition.Name}}
	filter := readmodel.PlanFilter{Product: api.Value(r.Params.Product)}
	rows := func(ctx context.Context, tenant string, paging store.Paging) (store.Page[readmodel.Plan], error) {
		return s.Catalog.Plans(ctx, tenant, filter, paging)
	}
	page, err := list(ctx, s, query, rows, present.PlanRow)
	return ListPlans200JSONResponse{
		Body: api.PlanPage{Items: page.items, NextCursor: page.nextCursor}, Headers: ListPlans200ResponseHeaders{Link: page.link},
	}, err
}

// GetPlan implements [StrictServerInterface].
func (s server) GetPlan(ctx context.Context, r GetPlanRequestObject) (GetPlanResponseObject, error) {
	tenant, err := s.tenantAt(ctx, r.Params.LedgerPosition, readmodel.Definition.Name)
	if err != nil {
		return nil, err
	}
	row, err := s.Catalog.Plan(ctx, tenant, r.ID)
	if err != nil {
		return nil, notFoundAs(catalog.ErrPlanNotFound, err)
	}
	plan, err := present.PlanRow(row)
	return GetPlan200JSONResponse{Body: plan, Headers: GetPlan200ResponseHeaders{ETag: present.ETag(row.Revision)}}, err
}
