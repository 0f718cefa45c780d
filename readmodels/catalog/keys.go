package catalog

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// SigningKey is the public half of a key that signs, or once signed, a product's certificates.
type SigningKey struct {
	ID        string // the JWS "kid"
	ProductID uuid.UUID
	Algorithm string // "ed25519" or "rsa2048"
	Public    []byte // PKIX, ASN.1 DER (RFC 5280)
	AddedAt   time.Time
	RetiredAt *time.Time // nil: it signs
}

var keyColumns = store.Columns[SigningKey]{
	store.Col("id", func(k *SigningKey) any { return &k.ID }),
	store.Col("product_id", func(k *SigningKey) any { return &k.ProductID }),
	store.Col("algorithm", func(k *SigningKey) any { return &k.Algorithm }),
	store.Col("public", func(k *SigningKey) any { return publicKey{&k.Public} }),
	store.Col("added_at", func(k *SigningKey) any { return store.Time{Into: &k.AddedAt} }),
	store.Col("retired_at", func(k *SigningKey) any { return store.NullableTime{Into: &k.RetiredAt} }),
}

// publicKey scans a key stored as base64.
type publicKey struct{ into *[]byte }

// Scan implements [sql.Scanner].
func (k publicKey) Scan(value any) (err error) {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("a public key is stored as %T", value)
	}
	*k.into, err = base64.StdEncoding.DecodeString(text)
	return err
}

// SigningKeys lists a product's public keys, the oldest first. They are public, so no tenant is asked for. It fails with
// [store.ErrNotFound] when there is no such product.
func (q Queries) SigningKeys(ctx context.Context, productID uuid.UUID) ([]SigningKey, error) {
	keys, err := store.List(ctx, q.db, keyColumns.Scan,
		"SELECT "+keyColumns.String()+" FROM signing_keys WHERE product_id = $1 ORDER BY added_position", productID.String())
	if err == nil && len(keys) == 0 {
		return nil, store.ErrNotFound
	}
	return keys, err
}

// SigningKeyIDs names every signing key of every tenant.
func (q Queries) SigningKeyIDs(ctx context.Context) ([]string, error) {
	return store.List(ctx, q.db, store.Scalar[string], `SELECT id FROM signing_keys`)
}
