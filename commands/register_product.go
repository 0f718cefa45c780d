package commands

import (
	"context"
	"time"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// RegisterProduct puts a product into the catalogue and makes its first signing key.
type RegisterProduct struct {
	Code                  string
	Name                  string
	Platforms             []string
	Algorithm             catalog.Algorithm // empty: ed25519
	OfflineDays           *int              // nil: 3
	MaxMachinesPerLicense *int
}

// Product is a product as a command left it.
type Product struct {
	*catalog.Product
	Outcome
}

// RegisterProduct carries the command out. Refusals: catalog.ErrProductCodeTaken, a [domainerr.Invalid].
func (h *Handler) RegisterProduct(ctx context.Context, req Request, c RegisterProduct) (Product, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return Product{}, err
	}
	register, algorithm, err := c.checked()
	if err != nil {
		return Product{}, err
	}
	req, err = h.identified(req, c)
	if err != nil {
		return Product{}, err
	}
	principal, err := tenancy.From(ctx)
	if err != nil {
		return Product{}, err
	}
	id := catalog.ProductID(principal.Tenant, c.Code)
	done, err := h.products.change(ctx, req, id, func(p *catalog.Product, now time.Time) ([]event.Payload, error) {
		if p != nil {
			return p.Register(principal.Tenant, register, catalog.SigningKey{}, now)
		}
		// The key is durable before the event that names it.
		key, err := h.keyring.NewSigningKey(ctx, principal.Tenant, id, algorithm)
		if err != nil {
			return nil, err
		}
		return p.Register(principal.Tenant, register, key, now)
	})
	return Product{Product: done.state, Outcome: done.Outcome}, err
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
