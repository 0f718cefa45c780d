package catalog

import (
	"context"
	"time"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
)

// RegisterProduct puts a product into the catalogue and makes its first signing key. Refusals: catalog.ErrProductCodeTaken, a
// [domainerr.Invalid].
type RegisterProduct struct {
	Code                  string
	Name                  string
	Platforms             []string
	Algorithm             catalog.Algorithm // empty: ed25519
	OfflineDays           *int              // nil: 3
	MaxMachinesPerLicense *int
}

func (c *Commands) registerProduct(ctx context.Context, req runtime.Request, command RegisterProduct) (Product, error) {
	register, algorithm, err := command.checked()
	if err != nil {
		return Product{}, err
	}
	principal, err := access.From(ctx)
	if err != nil {
		return Product{}, err
	}
	id := catalog.ProductID(principal.Tenant, command.Code)
	result, err := c.products.Execute(ctx, req, id, func(p *catalog.Product, now time.Time) ([]event.Payload, error) {
		if p != nil {
			return p.Register(principal.Tenant, register, catalog.SigningKey{}, now)
		}
		// The key is durable before the event that names it.
		key, err := c.keyring.NewSigningKey(ctx, principal.Tenant, id, algorithm)
		if err != nil {
			return nil, err
		}
		return p.Register(principal.Tenant, register, key, now)
	})
	return Product{Product: result.State, Outcome: result.Outcome}, err
}

func (c RegisterProduct) checked() (catalog.RegisterProduct, catalog.Algorithm, error) {
	algorithm := c.Algorithm
	if algorithm == "" {
		algorithm = catalog.Ed25519
	}
	register := catalog.RegisterProduct{
		Code: c.Code, Name: c.Name, Platforms: c.Platforms,
		OfflineDays: catalog.DefaultOfflineDays, MaxMachinesPerLicense: c.MaxMachinesPerLicense,
	}
	if c.OfflineDays != nil {
		register.OfflineDays = *c.OfflineDays
	}
	var check domainerr.Check
	check.Nested("", register.Validate())
	check.Require(algorithm.Valid(), "signing_algorithm", "must be ed25519 or rsa2048")
	return register, algorithm, check.Err()
}
