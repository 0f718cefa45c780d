package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
)

// keySetCaching lets clients keep a key set for five minutes: keys are added long before they are the only ones that matter.
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
	keys := make([]catalog.SigningKey, len(rows))
	for i, row := range rows {
		keys[i] = catalog.SigningKey{ID: row.ID, Algorithm: catalog.Algorithm(row.Algorithm), Public: row.Public}
	}
	set, err := keyring.JWKS(keys)
	return GetProductKeys200ApplicationJwkSetPlusJSONResponse{
		Body: set, Headers: GetProductKeys200ResponseHeaders{CacheControl: keySetCaching},
	}, err
}
