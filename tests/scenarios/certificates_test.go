package scenarios_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// keySet is what an application that verifies its certificate would download.
func (v tenantClient) keySet() []byte {
	v.t.Helper()
	return v.machine.Seeing(head(v.t, v.admin)).Get("/v1/products/" + v.product.ID.String() + "/jwks.json").Body
}

// verified checks a certificate with nothing but the standards: RFC 7515, 7517, 7518, 8037.
func verified(t *testing.T, certificate string, keySet []byte) (header map[string]any, claims jwt.MapClaims) {
	t.Helper()
	var set struct{ Keys []api.Key }
	require.NoError(t, json.Unmarshal(keySet, &set))
	decoded := func(text *string) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(*text)
		require.NoError(t, err)
		return raw
	}
	token, err := jwt.Parse(certificate, func(token *jwt.Token) (any, error) {
		for _, key := range set.Keys {
			if key.Kid != token.Header["kid"] || string(key.Alg) != token.Header["alg"] {
				continue
			}
			if key.Kty == "OKP" {
				return ed25519.PublicKey(decoded(key.X)), nil
			}
			return &rsa.PublicKey{N: new(big.Int).SetBytes(decoded(key.N)), E: int(new(big.Int).SetBytes(decoded(key.E)).Int64())}, nil
		}
		return nil, errors.New("the key set has no such key")
	}, jwt.WithValidMethods([]string{"EdDSA", "RS256"}), jwt.WithExpirationRequired())
	require.NoError(t, err)
	claims, ok := token.Claims.(jwt.MapClaims)
	require.True(t, ok)
	return token.Header, claims
}

// verifyOffline runs `certificate verify` and returns what it says.
func verifyOffline(t *testing.T, certificate string, keySet []byte) process.Ran {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jwks.json")
	require.NoError(t, os.WriteFile(file, keySet, 0o600))
	ran, err := process.Options{Binary: fixture.binary}.Plain(t.Context(), "certificate", "verify", "--json", "--jwks", file, certificate)
	require.NoError(t, err)
	return ran
}

func TestACertificateIsVerifiedOffline(t *testing.T) {
	t.Parallel()
	for algorithm, alg := range map[string]string{"ed25519": "EdDSA", "rsa2048": "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			v := newTenantClientOn(t, fixture.shared, object{"signing_algorithm": algorithm}, nil)
			l := v.issue(nil)
			a := v.activate(l.Key, fingerprinted("laptop"))
			header, claims := verified(t, a.Certificate, v.keySet())
			require.Equal(t, alg, header["alg"])
			require.Equal(t, v.product.SigningKeyID, header["kid"])
			require.InDelta(t, a.ExpiresAt.Unix(), claims["exp"], 1)

			ran := verifyOffline(t, a.Certificate, v.keySet())
			require.Zero(t, ran.Code, ran.Err)
			var offline map[string]any
			require.NoError(t, json.Unmarshal([]byte(ran.Out), &offline))
			require.Equal(t, l.ID.String(), offline["license_id"])
			require.Equal(t, a.ActivationID.String(), offline["activation_id"])
			require.Equal(t, v.product.Code, offline["product"])
			require.Equal(t, "team", offline["plan"])
			require.Equal(t, fingerprinted("laptop")["fingerprint"], offline["fingerprint"])
			require.Equal(t, map[string]any{"export": true, "projects": 50., "beta": false}, offline["features"])
			granted := v.events(l)[2]
			require.EqualValues(t, granted.Position, offline["ledger_position"])
		})
	}
}

func TestCertificatesOutliveTheKeyThatSignedThem(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	before := v.activate(l.Key, fingerprinted("laptop"))
	oldKey, _ := verified(t, before.Certificate, v.keySet())
	answer := v.admin.Post("/v1/products/"+v.product.ID.String()+"/rotate-key", object{"reason": "yearly rotation"})
	rotated := blackbox.OK[api.Product](answer)
	require.NotEqual(t, v.product.SigningKeyID, rotated.SigningKeyID)
	require.Equal(t, rotated, blackbox.OK[api.Product](v.upToDate().Get("/v1/products/"+v.product.ID.String())))

	after := v.activate(l.Key, fingerprinted("desktop"))
	keySet := v.machine.Seeing(answer.Position()).Get("/v1/products/" + v.product.ID.String() + "/jwks.json")
	require.Contains(t, keySet.Header.Get("Cache-Control"), "public")
	newKey, _ := verified(t, after.Certificate, keySet.Body)
	require.Equal(t, rotated.SigningKeyID, newKey["kid"])
	stillKey, _ := verified(t, before.Certificate, keySet.Body)
	require.Equal(t, oldKey, stillKey)
	for _, certificate := range []string{before.Certificate, after.Certificate} {
		ran := verifyOffline(t, certificate, keySet.Body)
		require.Zero(t, ran.Code, ran.Err)
	}
	require.Equal(t, before.Certificate, blackbox.OK[api.Activation](v.heartbeat(before, l.Key, fingerprinted("laptop"))).Certificate)
}

func TestAForgedCertificateIsNotVerified(t *testing.T) {
	t.Parallel()
	v, other := newTenantClient(t, nil), newTenantClient(t, nil)
	l := v.issue(nil)
	certificate := v.activate(l.Key, fingerprinted("laptop")).Certificate
	parts := strings.Split(certificate, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"projects":50`, `"projects":99`, 1)))
	forged := strings.Join(parts, ".")
	require.NotEqual(t, certificate, forged)
	for _, ran := range []process.Ran{verifyOffline(t, forged, v.keySet()), verifyOffline(t, certificate, other.keySet())} {
		require.Equal(t, 1, ran.Code)
		require.Empty(t, ran.Out)
		require.NotEmpty(t, ran.Err)
	}
}
