package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Product is a product as registered.
type Product struct {
	ID                    uuid.UUID
	Tenant                string
	Code                  string // unique per tenant
	Name                  string
	Platforms             []string
	OfflineDays           int
	MaxMachinesPerLicense *int // nil: no limit of the product's own
	Algorithm             string
	SigningKeyID          string // the key that signs now
	RegisteredAt          time.Time
	Revision              uint64 // of the product's stream
	Position              uint64 // of the product's last event

	row int64
}

var productColumns = store.Columns[Product]{
	store.Col("registered_position", func(p *Product) any { return &p.row }),
	store.Col("id", func(p *Product) any { return &p.ID }),
	store.Col("tenant", func(p *Product) any { return &p.Tenant }),
	store.Col("code", func(p *Product) any { return &p.Code }),
	store.Col("name", func(p *Product) any { return &p.Name }),
	store.Col("platforms", func(p *Product) any { return store.JSON[[]string]{Into: &p.Platforms} }),
	store.Col("offline_days", func(p *Product) any { return &p.OfflineDays }),
	store.Col("max_machines_per_license", func(p *Product) any { return &p.MaxMachinesPerLicense }),
	store.Col("algorithm", func(p *Product) any { return &p.Algorithm }),
	store.Col("signing_key_id", func(p *Product) any { return &p.SigningKeyID }),
	store.Col("registered_at", func(p *Product) any { return store.Time{Into: &p.RegisteredAt} }),
	store.Col("revision", func(p *Product) any { return &p.Revision }),
	store.Col("position", func(p *Product) any { return &p.Position }),
}

var productList = store.Listing[Product]{Order: "products", Select: productColumns.String(), Scan: productColumns.Scan, From: "products",
	Column: "registered_position", Row: func(p Product) int64 { return p.row }}

// Product finds a product by its id or its code. It fails with [store.ErrNotFound].
func (q Queries) Product(ctx context.Context, tenant, idOrCode string) (Product, error) {
	column := "code"
	if id, ok := store.ParseID(idOrCode); ok {
		column, idOrCode = "id", id
	}
	return store.One(ctx, q.db, productColumns.Scan, "SELECT "+productColumns.String()+" FROM products WHERE tenant = $1 AND "+column+" = $2",
		tenant, idOrCode)
}

// Products lists a tenant's products in the order they were registered.
// It fails with [store.ErrBadCursor], [store.ErrOtherEpoch] or [store.ErrInvalidQuery].
func (q Queries) Products(ctx context.Context, tenant string, paging store.Paging) (store.Page[Product], error) {
	var w store.Where
	w.Equal("tenant", tenant)
	return productList.Page(ctx, q.db, w, paging)
}
