package catalog

import "slices"

// Algorithm is how a product's certificates are signed.
type Algorithm string

// The signing algorithms.
const (
	Ed25519 Algorithm = "ed25519" // JWS "EdDSA" (RFC 8037)
	RSA2048 Algorithm = "rsa2048" // JWS "RS256" (RFC 7518)
)

// Valid reports whether a is one of the signing algorithms.
func (a Algorithm) Valid() bool { return slices.Contains([]Algorithm{Ed25519, RSA2048}, a) }

// SigningKey is the public half of a product's signing key.
type SigningKey struct {
	ID        string    `json:"key_id"` // the JWS "kid"
	Algorithm Algorithm `json:"algorithm"`
	Public    []byte    `json:"public"` // PKIX, ASN.1 DER (RFC 5280)
}
