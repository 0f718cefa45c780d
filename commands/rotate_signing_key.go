package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// RotateSigningKey makes a new key for a product. Certificates are signed with it from then on; older ones stay good.
type RotateSigningKey struct {
	ProductID uuid.UUID
	Reason    string
}

// RotateSigningKey carries the command out. Refusals: catalog.ErrProductNotFound.
func (h *Handler) RotateSigningKey(ctx context.Context, req Request, c RotateSigningKey) (Product, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return Product{}, err
	}
	req, err := h.identified(req, c)
	if err != nil {
		return Product{}, err
	}
	done, err := h.products.change(ctx, req, c.ProductID, func(p *catalog.Product, now time.Time) ([]event.Payload, error) {
		if p == nil {
			return nil, catalog.ErrProductNotFound
		}
		key, err := h.keyring.NewSigningKey(ctx, p.StreamState().Tenant, p.ID, p.SigningKey().Algorithm)
		if err != nil {
			return nil, err
		}
		return p.RotateSigningKey(key, c.Reason, now)
	})
	return Product{Product: done.state, Outcome: done.Outcome}, err
}
