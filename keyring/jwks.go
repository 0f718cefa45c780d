package keyring

import (
	"cmp"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"github.com/licenseledger/licenseledger/domain/catalog"
)

// ErrJWKSInvalid says that bytes are not a JSON Web Key Set, or more than 1 MiB of it.
var ErrJWKSInvalid = errors.New("not a JSON Web Key Set")

// maxJWKSSize bounds what is read of a key set, in bytes.
const maxJWKSSize = 1 << 20

// jwk is a public key as a JSON Web Key (RFC 7517; Ed25519 as in RFC 8037, RSA as in RFC 7518 section 6.3).
type jwk struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	ID        string `json:"kid,omitempty"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

type jwks struct {
	Keys []jwk `json:"keys"`
}

// JWKS returns the public keys as a JSON Web Key Set, ordered by key id, so that the same keys are the same bytes.
func JWKS(keys []catalog.SigningKey) ([]byte, error) {
	set := jwks{Keys: make([]jwk, 0, len(keys))}
	for _, key := range keys {
		public, err := x509.ParsePKIXPublicKey(key.Public)
		if err != nil {
			return nil, fmt.Errorf("public key %s: %w", key.ID, err)
		}
		published, err := newJWK(public)
		if err != nil {
			return nil, fmt.Errorf("public key %s: %w", key.ID, err)
		}
		published.ID = key.ID
		set.Keys = append(set.Keys, published)
	}
	slices.SortFunc(set.Keys, func(a, b jwk) int { return cmp.Compare(a.ID, b.ID) })
	return json.Marshal(set)
}

// newJWK returns a public key for signatures, without an id.
func newJWK(public crypto.PublicKey) (jwk, error) {
	switch p := public.(type) {
	case ed25519.PublicKey:
		return jwk{KeyType: "OKP", Use: "sig", Algorithm: jwt.SigningMethodEdDSA.Alg(), Curve: "Ed25519", X: base64URL(p)}, nil
	case *rsa.PublicKey:
		return jwk{KeyType: "RSA", Use: "sig", Algorithm: jwt.SigningMethodRS256.Alg(), N: base64URL(p.N.Bytes()),
			E: base64URL(big.NewInt(int64(p.E)).Bytes())}, nil
	default:
		return jwk{}, ErrUnknownAlgorithm
	}
}

// thumbprint is the SHA-256 of the key's required members in alphabetical order, in base64url (RFC 7638).
func (j jwk) thumbprint() string {
	members := fmt.Sprintf(`{"e":"%s","kty":"%s","n":"%s"}`, j.E, j.KeyType, j.N)
	if j.KeyType == "OKP" {
		members = fmt.Sprintf(`{"crv":"%s","kty":"%s","x":"%s"}`, j.Curve, j.KeyType, j.X)
	}
	digest := sha256.Sum256([]byte(members))
	return base64URL(digest[:])
}

// verificationKey finds the key with an id in a key set. found is false when there is none; the key is nil when it cannot
// verify certificates of the given JWS algorithm.
func verificationKey(set jwks, keyID, algorithm string) (key crypto.PublicKey, found bool) {
	i := slices.IndexFunc(set.Keys, func(j jwk) bool { return j.ID == keyID })
	if i < 0 {
		return nil, false
	}
	j := set.Keys[i]
	if (j.Use != "" && j.Use != "sig") || (j.Algorithm != "" && j.Algorithm != algorithm) {
		return nil, true
	}
	return j.public(algorithm), true
}

// public returns the key when it is fit for the algorithm, and nil otherwise.
func (j jwk) public(algorithm string) crypto.PublicKey {
	switch {
	case algorithm == jwt.SigningMethodEdDSA.Alg() && j.KeyType == "OKP" && j.Curve == "Ed25519":
		x, err := base64.RawURLEncoding.DecodeString(j.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil
		}
		return ed25519.PublicKey(x)
	case algorithm == jwt.SigningMethodRS256.Alg() && j.KeyType == "RSA":
		n, err := base64.RawURLEncoding.DecodeString(j.N)
		if err != nil || len(n) != rsaBits/8 || n[0] < 0x80 || j.E != standardExponent {
			return nil
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	default:
		return nil
	}
}

// standardExponent is 65537 in base64url, the exponent of every RSA key that the ring makes.
const standardExponent = "AQAB"

func parseJWKS(data []byte) (jwks, error) {
	var set jwks
	if len(data) > maxJWKSSize {
		return jwks{}, ErrJWKSInvalid
	}
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		return jwks{}, ErrJWKSInvalid
	}
	return set, nil
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
