package keyring

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/domain/catalog"
)

var (
	// ErrUnknownAlgorithm says that a signing algorithm is not one of [catalog.Algorithm].
	ErrUnknownAlgorithm = errors.New("unknown signing algorithm")
	// ErrUnknownSigningKey says that this ring never made the signing key.
	ErrUnknownSigningKey = errors.New("unknown signing key")
)

// rsaBits is the length of RSA keys.
const rsaBits = 2048

// signer is a signing key ready for use.
type signer struct {
	private crypto.Signer
	method  jwt.SigningMethod
}

// NewSigningKey makes a signing key for a product. Its private half is stored, sealed and durable, when NewSigningKey
// returns; the public half is returned for the ledger. The key id is the key's JWK thumbprint (RFC 7638, SHA-256,
// base64url). RSA keys are made with the system's randomness and take a good part of a second.
func (k *Keyring) NewSigningKey(ctx context.Context, tenant string, product uuid.UUID,
	algorithm catalog.Algorithm) (catalog.SigningKey, error) {
	private, err := generateKey(k.random, algorithm)
	if err != nil {
		return catalog.SigningKey{}, fmt.Errorf("make signing key: %w", err)
	}
	key, err := k.storeSigningKey(ctx, tenant, product, algorithm, private)
	if err != nil {
		return catalog.SigningKey{}, fmt.Errorf("store signing key: %w", err)
	}
	return key, nil
}

func generateKey(random io.Reader, algorithm catalog.Algorithm) (crypto.Signer, error) {
	switch algorithm {
	case catalog.Ed25519:
		_, private, err := ed25519.GenerateKey(random)
		return private, err
	case catalog.RSA2048:
		return rsa.GenerateKey(random, rsaBits)
	default:
		return nil, ErrUnknownAlgorithm
	}
}

func (k *Keyring) storeSigningKey(ctx context.Context, tenant string, product uuid.UUID, algorithm catalog.Algorithm,
	private crypto.Signer) (catalog.SigningKey, error) {
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return catalog.SigningKey{}, err
	}
	published, err := newJWK(private.Public())
	if err != nil {
		return catalog.SigningKey{}, err
	}
	plain, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return catalog.SigningKey{}, err
	}
	key := catalog.SigningKey{ID: published.thumbprint(), Algorithm: algorithm, Public: public}
	sealed, err := seal(k.signingSealer, k.random, plain, signingKeyName(key.ID, tenant, product.String(), algorithm))
	if err != nil {
		return catalog.SigningKey{}, err
	}
	err = k.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO signing_keys (key_id, tenant, product_id, algorithm, sealed, created_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, key.ID, tenant, product, string(algorithm), sealed, k.now().UnixMicro())
		if err != nil {
			return unavailable("store signing key", err)
		}
		return nil
	}, func() {})
	if err != nil {
		return catalog.SigningKey{}, err
	}
	return key, nil
}

// signer returns the private key with an id, from the cache or the database.
func (k *Keyring) signer(ctx context.Context, keyID string) (*signer, error) {
	return k.signers.Get(ctx, keyID, otter.LoaderFunc[string, *signer](k.loadSigner))
}

func (k *Keyring) loadSigner(ctx context.Context, keyID string) (*signer, error) {
	var tenant, product string
	var algorithm catalog.Algorithm
	var sealed []byte
	ctx, cancel := k.db.bounded(ctx)
	defer cancel()
	err := k.db.QueryRowContext(ctx, `SELECT tenant, product_id, algorithm, sealed FROM signing_keys WHERE key_id = $1`, keyID).
		Scan(&tenant, &product, &algorithm, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnknownSigningKey
	}
	if err != nil {
		return nil, unavailable("read signing key", err)
	}
	plain, err := open(k.signingSealer, sealed, signingKeyName(keyID, tenant, product, algorithm))
	if err != nil {
		return nil, fmt.Errorf("open signing key: %w", err)
	}
	s, err := parseSigner(plain)
	if err != nil {
		return nil, fmt.Errorf("open signing key: %w", err)
	}
	return s, nil
}

func parseSigner(pkcs8 []byte) (*signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	switch private := parsed.(type) {
	case ed25519.PrivateKey:
		return &signer{private: private, method: jwt.SigningMethodEdDSA}, nil
	case *rsa.PrivateKey:
		return &signer{private: private, method: jwt.SigningMethodRS256}, nil
	default:
		return nil, ErrUnknownAlgorithm
	}
}

func signingKeyName(keyID, tenant, product string, algorithm catalog.Algorithm) []byte {
	return lengthPrefixed("signing_keys", keyID, tenant, product, string(algorithm))
}
