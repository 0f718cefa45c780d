package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
)

// ListProducts implements [StrictServerInterface].
func (s server) ListProducts(ctx context.Context, r ListProductsRequestObject) (ListProductsResponseObject, error) {
	query := listQuery{r.Params.Cursor, r.Params.Limit, r.Params.LedgerPosition, []string{readmodel.Definition.Name}}
	page, err := list(ctx, s, query, s.Catalog.Products, withoutError(present.ProductRow))
	return ListProducts200JSONResponse{
		Body: api.ProductPage{Items: page.items, NextCursor: page.nextCursor}, Headers: ListProducts200ResponseHeaders{Link: page.link},
	}, err
}

// GetProduct implements [StrictServerInterface].
func (s server) GetProduct(ctx context.Context, r GetProductRequestObject) (GetProductResponseObject, error) {
	tenant, err := s.tenantAt(ctx, r.Params.LedgerPosition, readmodel.Definition.Name)
	if err != nil {
		return nil, err
	}
	row, err := s.Catalog.Product(ctx, tenant, r.ID.String())
	if err != nil {
		return nil, notFoundAs(catalog.ErrProductNotFound, err)
	}
	return GetProduct200JSONResponse{
		Body: present.ProductRow(row), Headers: GetProduct200ResponseHeaders{ETag: present.ETag(row.Revision)},
	}, nil
}

// keySetCaching lets clients cache a key set for five minutes. A new key is published long before certificates need it.
const keySetCaching = "public, max-age=300"

// GetProductKeys implements [StrictServerInterface].
func (s server) GetProductKeys(ctx context.Context, r GetProductKeysRequestObject) (GetProductKeysResponseObject, error) {
	if err := s.wait(ctx, r.Params.LedgerPosition, readmodel.Definition.Name); err != nil {
		return nil, err
	}
	rows, err := s.Catalog.SigningKeys(ctx, r.ID)
	if err != nil {
		return nil, notFoundAs(catalog.ErrProductNotFound, err)
	}
	keys, err := present.KeySet(rows)
	return GetProductKeys200ApplicationJwkSetPlusJSONResponse{
		Body: keys, Headers: GetProductKeys200ResponseHeaders{CacheControl: keySetCaching},
	}, err
}
