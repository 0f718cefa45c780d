package queryapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/httpapi/api"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// ListProducts implements [StrictServerInterface].
func (s server) ListProducts(ctx context.Context, r ListProductsRequestObject) (ListProductsResponseObject, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return nil, err
	}
	part, err := paging(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	if err := s.wait(ctx, r.Params.LedgerPosition, readmodel.Definition.Name); err != nil {
		return nil, err
	}
	rows, err := s.Catalog.Products(ctx, principal.Tenant, part)
	if err != nil {
		return nil, err
	}
	items, cursor, link, err := page(ctx, rows, productJSON)
	return ListProducts200JSONResponse{
		Body: api.ProductPage{Items: items, NextCursor: cursor}, Headers: ListProducts200ResponseHeaders{Link: link},
	}, err
}

// GetProduct implements [StrictServerInterface].
func (s server) GetProduct(ctx context.Context, r GetProductRequestObject) (GetProductResponseObject, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.wait(ctx, r.Params.LedgerPosition, readmodel.Definition.Name); err != nil {
		return nil, err
	}
	row, err := s.Catalog.Product(ctx, principal.Tenant, r.ID.String())
	if err != nil {
		return nil, notFoundAs(catalog.ErrProductNotFound, err)
	}
	product, err := productJSON(row)
	return GetProduct200JSONResponse{Body: product, Headers: GetProduct200ResponseHeaders{ETag: etag(row.Revision)}}, err
}

// ListPlans implements [StrictServerInterface].
func (s server) ListPlans(ctx context.Context, r ListPlansRequestObject) (ListPlansResponseObject, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return nil, err
	}
	part, err := paging(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	if err := s.wait(ctx, r.Params.LedgerPosition, readmodel.Definition.Name); err != nil {
		return nil, err
	}
	rows, err := s.Catalog.Plans(ctx, principal.Tenant, readmodel.PlanFilter{Product: value(r.Params.Product)}, part)
	if err != nil {
		return nil, err
	}
	items, cursor, link, err := page(ctx, rows, planJSON)
	return ListPlans200JSONResponse{
		Body: api.PlanPage{Items: items, NextCursor: cursor}, Headers: ListPlans200ResponseHeaders{Link: link},
	}, err
}

// GetPlan implements [StrictServerInterface].
func (s server) GetPlan(ctx context.Context, r GetPlanRequestObject) (GetPlanResponseObject, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.wait(ctx, r.Params.LedgerPosition, readmodel.Definition.Name); err != nil {
		return nil, err
	}
	row, err := s.Catalog.Plan(ctx, principal.Tenant, r.ID)
	if err != nil {
		return nil, notFoundAs(catalog.ErrPlanNotFound, err)
	}
	plan, err := planJSON(row)
	return GetPlan200JSONResponse{Body: plan, Headers: GetPlan200ResponseHeaders{ETag: etag(row.Revision)}}, err
}

// notFoundAs says what was not found.
func notFoundAs(refused, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refused
	}
	return err
}

func productJSON(p readmodel.Product) (api.Product, error) {
	return api.Product{
		ID:                    p.ID,
		Code:                  p.Code,
		Name:                  p.Name,
		SigningAlgorithm:      api.SigningAlgorithm(p.Algorithm),
		SigningKeyID:          p.SigningKeyID,
		OfflineDays:           p.OfflineDays,
		MaxMachinesPerLicense: p.MaxMachinesPerLicense,
		Platforms:             append([]string{}, p.Platforms...),
		RegisteredAt:          p.RegisteredAt,
		Revision:              p.Revision,
	}, nil
}

func planJSON(p readmodel.Plan) (api.Plan, error) {
	features, err := features(p.Features)
	return api.Plan{
		ID:               p.ID,
		ProductID:        p.ProductID,
		Code:             p.Code,
		Revision:         p.Revision,
		Name:             p.Name,
		Type:             api.PlanType(p.Type),
		MaxMachines:      p.MaxMachines,
		ValidityDays:     p.ValidityDays,
		ValidityStarts:   api.ValidityStart(p.ValidityStarts),
		Features:         features,
		PriceMinor:       p.PriceMinor,
		Currency:         p.Currency,
		LeaseSeconds:     p.LeaseSeconds,
		FingerprintMatch: api.FingerprintMatch(p.FingerprintMatch),
		MaxRebinds:       p.MaxRebinds,
		RebindWindowDays: p.RebindWindowDays,
		PublishedAt:      p.PublishedAt,
		RevisedAt:        p.RevisedAt,
	}, err
}

// features reads what a row keeps as JSON; they are never null.
func features(stored json.RawMessage) (api.Features, error) {
	read := api.Features{}
	if len(stored) == 0 {
		return read, nil
	}
	if err := json.Unmarshal(stored, &read); err != nil {
		return nil, fmt.Errorf("read the features of a row: %w", err)
	}
	if read == nil {
		return api.Features{}, nil
	}
	return read, nil
}
