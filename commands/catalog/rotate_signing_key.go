package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
)

// RotateSigningKey makes a new key for a product. Certificates are signed with it from then on; older ones stay valid. Refusals:
// catalog.ErrProductNotFound.
type RotateSigningKey struct {
	ProductID uuid.UUID
	Reason    string
}

func (c *Commands) rotateSigningKey(ctx context.Context, req runtime.Request, command RotateSigningKey) (Product, error) {
	result, err := c.products.Execute(ctx, req, command.ProductID, func(p *catalog.Product, now time.Time) ([]event.Payload, error) {
		if p == nil {
			return nil, catalog.ErrProductNotFound
		}
		if err := catalog.ValidateReason(command.Reason); err != nil { // before a key is made for nothing
			return nil, err
		}
		key, err := c.keyring.NewSigningKey(ctx, p.StreamState().Tenant, p.ID, p.SigningKey().Algorithm)
		if err != nil {
			return nil, err
		}
		return p.RotateSigningKey(key, command.Reason, now)
	})
	return Product{Product: result.State, Outcome: result.Outcome}, err
}
