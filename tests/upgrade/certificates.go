package upgrade

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// publicKeys verify certificates, by the name of the key.
type publicKeys map[string]crypto.PublicKey

// keys are the public keys that the version handed out which wrote the fixture.
func (a Answers) keys() publicKeys {
	keys := publicKeys{}
	for _, q := range a.Queries {
		if !strings.HasSuffix(q.Path, "/jwks.json") {
			continue
		}
		var set struct {
			Keys []struct{ Kid, X, N, E string }
		}
		_ = json.Unmarshal(q.Answer.Body, &set) // a set that cannot be read has no keys, and no certificate is good
		for _, k := range set.Keys {
			if k.X != "" {
				keys[k.Kid] = ed25519.PublicKey(bytesOf(k.X))
				continue
			}
			keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(bytesOf(k.N)), E: int(new(big.Int).SetBytes(bytesOf(k.E)).Int64())}
		}
	}
	return keys
}

// claims verifies the signature of a certificate, a JWS in compact form, and returns what it says. Whether its time is over is not
// looked at: what was signed stays signed.
func (k publicKeys) claims(certificate any) (any, error) {
	text, _ := certificate.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errors.New("the certificate is no JWS")
	}
	var header struct{ Alg, Kid string }
	if err := json.Unmarshal(bytesOf(parts[0]), &header); err != nil {
		return nil, fmt.Errorf("read the certificate's header: %w", err)
	}
	signed, signature := []byte(parts[0]+"."+parts[1]), bytesOf(parts[2])
	good := false
	switch key := k[header.Kid].(type) {
	case ed25519.PublicKey:
		good = header.Alg == "EdDSA" && ed25519.Verify(key, signed, signature)
	case *rsa.PublicKey:
		sum := sha256.Sum256(signed)
		good = header.Alg == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	}
	if !good {
		return nil, fmt.Errorf("the certificate is not signed with key %q of the product", header.Kid)
	}
	return decode(bytesOf(parts[1])), nil
}

// bytesOf decodes base64url; text that is not leaves nothing that verifies.
func bytesOf(text string) []byte {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return decoded
}
