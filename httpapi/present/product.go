package present

import (
	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/keyring"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
)

// Product returns a product as a command left it.
func Product(p catalogcommands.Product) api.Product {
	key := p.SigningKey()
	return api.Product{
		ID:                    p.ID,
		Code:                  p.Code,
		Name:                  p.Name,
		SigningAlgorithm:      api.SigningAlgorithm(key.Algorithm),
		SigningKeyID:          key.ID,
		OfflineDays:           p.OfflineDays,
		MaxMachinesPerLicense: p.MaxMachinesPerLicense,
		Platforms:             append([]string{}, p.Platforms...),
		RegisteredAt:          p.RegisteredAt.UTC(),
		Revision:              api.Revision(p.Revision),
	}
}

// ProductRow returns a product as a read model holds it.
func ProductRow(p readmodel.Product) api.Product {
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
	}
}

// KeySet returns the public keys of a product as a JSON Web Key Set (RFC 7517).
func KeySet(rows []readmodel.SigningKey) (api.KeySet, error) {
	keys := make([]catalog.SigningKey, len(rows))
	for i, row := range rows {
		keys[i] = catalog.SigningKey{ID: row.ID, Algorithm: catalog.Algorithm(row.Algorithm), Public: row.Public}
	}
	return keyring.JWKS(keys)
}

func productRef(s *license.Stream) api.ProductRef {
	return api.ProductRef{ID: s.ProductID, Code: s.ProductCode}
}
