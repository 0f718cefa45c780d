package readmodels

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
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

// SigningKey is the public half of a key that signs, or once signed, a product's certificates.
type SigningKey struct {
	ID        string // the JWS "kid"
	ProductID uuid.UUID
	Algorithm string // "ed25519" or "rsa2048"
	Public    []byte // PKIX, ASN.1 DER (RFC 5280)
	AddedAt   time.Time
	RetiredAt *time.Time // nil: it signs
}

const productColumns = `registered_position, id, tenant, code, name, platforms, offline_days, max_machines_per_license,
	algorithm, signing_key_id, registered_at, revision, position`

func scanProduct(r row) (p Product, err error) {
	err = r.Scan(&p.row, &p.ID, &p.Tenant, &p.Code, &p.Name, jsonColumn[[]string]{&p.Platforms}, &p.OfflineDays, &p.MaxMachinesPerLicense,
		&p.Algorithm, &p.SigningKeyID, timeColumn{&p.RegisteredAt}, &p.Revision, &p.Position)
	return p, err
}

// Product finds a product by its id or its code. It fails with [ErrNotFound]. (Projection: [Catalog].)
func (db *DB) Product(ctx context.Context, tenant, idOrCode string) (Product, error) {
	column := "code"
	if id, ok := parseID(idOrCode); ok {
		column, idOrCode = "id", id
	}
	return one(ctx, db, scanProduct, "SELECT "+productColumns+" FROM products WHERE tenant = $1 AND "+column+" = $2", tenant, idOrCode)
}

// Products lists a tenant's products in the order they were registered. It fails with [ErrBadCursor] or [ErrInvalidQuery].
// (Projection: [Catalog].)
func (db *DB) Products(ctx context.Context, tenant string, paging Paging) (Page[Product], error) {
	limit, from, err := db.start(paging, "products")
	if err != nil {
		return Page[Product]{}, err
	}
	var w where
	w.equal("tenant", tenant)
	if from != nil {
		w.and("registered_position > " + w.add(from.Row))
	}
	query := "SELECT " + productColumns + " FROM products" + w.String() + " ORDER BY registered_position LIMIT " + strconv.Itoa(limit+1)
	items, err := list(ctx, db, scanProduct, query, w.arguments...)
	if err != nil {
		return Page[Product]{}, err
	}
	return paged(db, items, limit, func(p Product) cursor { return cursor{Order: "products", Row: p.row} }), nil
}

// SigningKeys lists a product's public keys, the oldest first. They are public, so no tenant is asked for. It fails with
// [ErrNotFound] when there is no such product. (Projection: [Catalog].)
func (db *DB) SigningKeys(ctx context.Context, productID uuid.UUID) ([]SigningKey, error) {
	keys, err := list(ctx, db, scanSigningKey, `SELECT id, product_id, algorithm, public, added_at, retired_at
		FROM signing_keys WHERE product_id = $1 ORDER BY added_position`, productID.String())
	if err == nil && len(keys) == 0 {
		return nil, ErrNotFound
	}
	return keys, err
}

// SigningKeyIDs names every signing key of every tenant. (Projection: [Catalog].)
func (db *DB) SigningKeyIDs(ctx context.Context) ([]string, error) {
	return list(ctx, db, scanText, `SELECT id FROM signing_keys`)
}

func scanSigningKey(r row) (k SigningKey, err error) {
	var public string
	if err := r.Scan(&k.ID, &k.ProductID, &k.Algorithm, &public, timeColumn{&k.AddedAt}, nullableTime{&k.RetiredAt}); err != nil {
		return k, err
	}
	if k.Public, err = base64.StdEncoding.DecodeString(public); err != nil {
		return k, fmt.Errorf("public key %s: %w", k.ID, err)
	}
	return k, nil
}

// parseID returns an id in its canonical form, if s is one.
func parseID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	id, err := uuid.Parse(s)
	return id.String(), err == nil
}
