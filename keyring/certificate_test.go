package keyring_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
)

var product = uuid.MustParse("0195a000-0000-7000-8000-00000000000b")

func certificate() keyring.Certificate {
	return keyring.Certificate{
		Issuer:       "https://licenses.example.com",
		License:      uuid.MustParse("0195a000-0000-8000-8000-00000000000a"),
		Product:      product,
		ProductCode:  "acme-cad",
		Plan:         "pro",
		PlanType:     catalog.Professional,
		Features:     catalog.Features{"seats": float64(5), "export": true, "edition": "<gold>"},
		Fingerprint:  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		Activation:   uuid.MustParse("0195a000-0000-7000-8000-00000000000c"),
		Binding:      uuid.MustParse("0195a000-0000-7000-8000-00000000000d"),
		NotBefore:    start,
		IssuedAt:     start,
		ExpiresAt:    start.Add(72 * time.Hour),
		OfflineUntil: start.Add(72 * time.Hour),
		Position:     42,
		Revision:     3,
	}
}

// fixedRSA is a key made once for these tests.
func fixedRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile("testdata/rsa2048.pem")
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PrivateKey)
}

// signingKeys stores a fixed key of each algorithm in the ring.
func signingKeys(t testing.TB, k ring) map[catalog.Algorithm]catalog.SigningKey {
	t.Helper()
	edwards, err := k.StoreSigningKey(context.Background(), product, catalog.Ed25519, ed25519.NewKeyFromSeed(make([]byte, 32)))
	require.NoError(t, err)
	rivest, err := k.StoreSigningKey(context.Background(), product, catalog.RSA2048, fixedRSA(t))
	require.NoError(t, err)
	return map[catalog.Algorithm]catalog.SigningKey{catalog.Ed25519: edwards, catalog.RSA2048: rivest}
}

func keySet(t testing.TB, keys ...catalog.SigningKey) []byte {
	t.Helper()
	set, err := keyring.JWKS(keys)
	require.NoError(t, err)
	return set
}

func TestANewKeySignsCertificatesThatItsPublicHalfVerifies(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		for _, algorithm := range []catalog.Algorithm{catalog.Ed25519, catalog.RSA2048} {
			t.Run(string(algorithm), func(t *testing.T) {
				t.Parallel()
				k := newRing(t, e, 1)
				key, err := k.NewSigningKey(t.Context(), "default", product, algorithm)
				require.NoError(t, err)
				require.Equal(t, algorithm, key.Algorithm)

				token, err := k.reopened(t).Certify(t.Context(), key.ID, certificate())
				require.NoError(t, err, "the private half was durable before the key was known")
				got, err := keyring.Verify(token, keySet(t, key), start)
				require.NoError(t, err)
				require.Equal(t, certificate(), got)
			})
		}
	})
}

func TestTheSameCertificateIsAlwaysTheSameBytes(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	again := k.reopened(t)
	for _, key := range signingKeys(t, k) {
		first, err := k.Certify(t.Context(), key.ID, certificate())
		require.NoError(t, err)
		for _, r := range []ring{k, again} {
			token, err := r.Certify(t.Context(), key.ID, certificate())
			require.NoError(t, err)
			require.Equal(t, first, token)
		}
		late := certificate()
		late.IssuedAt = late.IssuedAt.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
		token, err := k.Certify(t.Context(), key.ID, late)
		require.NoError(t, err)
		require.Equal(t, first, token, "parts of a second and time zones do not count")
	}
}

func TestTheFormOfCertificatesIsPinned(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		for algorithm, key := range signingKeys(t, k) {
			token, err := k.Certify(t.Context(), key.ID, certificate())
			require.NoError(t, err)
			parts := strings.Split(token, ".")
			require.Len(t, parts, 3)
			header, err := base64.RawURLEncoding.DecodeString(parts[0])
			require.NoError(t, err)
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			require.NoError(t, err)
			golden(t, fmt.Sprintf("certificate_%s.golden", algorithm), fmt.Appendf(nil, "%s\n%s\n%s\n", header, payload, token))
		}
	})
}

func TestACertificateCarriesItsClaimsUnderTheirNames(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	token, err := k.Certify(t.Context(), signingKeys(t, k)[catalog.Ed25519].ID, certificate())
	require.NoError(t, err)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(payload, &claims))
	c := certificate()
	require.Equal(t, map[string]any{
		"iss": c.Issuer, "sub": c.License.String(), "aud": c.ProductCode, "jti": c.Activation.String() + "@42",
		"iat": float64(start.Unix()), "nbf": float64(start.Unix()), "exp": float64(c.ExpiresAt.Unix()),
		"license_id": c.License.String(), "product_id": c.Product.String(), "product": c.ProductCode,
		"plan": c.Plan, "plan_type": "PROFESSIONAL", "features": map[string]any(c.Features), "fingerprint": string(c.Fingerprint),
		"activation_id": c.Activation.String(), "binding_id": c.Binding.String(), "offline_until": float64(c.OfflineUntil.Unix()),
		"ledger_position": float64(42), "license_revision": float64(3),
	}, claims)
}

func TestTimesOfACertificateAreRoundedDown(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	key := signingKeys(t, k)[catalog.Ed25519]
	c := certificate()
	c.ExpiresAt = c.ExpiresAt.Add(999_999 * time.Microsecond)
	c.OfflineUntil = time.Time{}
	token, err := k.Certify(t.Context(), key.ID, c)
	require.NoError(t, err)
	got, err := keyring.Verify(token, keySet(t, key), start)
	require.NoError(t, err)
	require.Equal(t, certificate().ExpiresAt, got.ExpiresAt)
	require.Zero(t, got.OfflineUntil)
}

func TestAnIncompleteCertificateIsNotSigned(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	key := signingKeys(t, k)[catalog.Ed25519]
	for name, remove := range map[string]func(*keyring.Certificate){
		"issuer":     func(c *keyring.Certificate) { c.Issuer = "" },
		"license":    func(c *keyring.Certificate) { c.License = uuid.Nil },
		"activation": func(c *keyring.Certificate) { c.Activation = uuid.Nil },
		"issued at":  func(c *keyring.Certificate) { c.IssuedAt = time.Time{} },
		"not before": func(c *keyring.Certificate) { c.NotBefore = time.Time{} },
		"expires at": func(c *keyring.Certificate) { c.ExpiresAt = time.Time{} },
	} {
		c := certificate()
		remove(&c)
		_, err := k.Certify(t.Context(), key.ID, c)
		require.ErrorIs(t, err, keyring.ErrCertificateIncomplete, name)
	}
	c := certificate()
	c.Features = catalog.Features{"channel": make(chan int)}
	_, err := k.Certify(t.Context(), key.ID, c)
	require.Error(t, err)
}

func TestTheLargestFeaturesFitIntoACertificate(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	key := signingKeys(t, k)[catalog.Ed25519]
	c := certificate()
	c.Features = catalog.Features{}
	for i := range catalog.MaxFeatures {
		c.Features[fmt.Sprintf("%064d", i)] = strings.Repeat("<", 1024) // six bytes each in JSON
	}
	token, err := k.Certify(t.Context(), key.ID, c)
	require.NoError(t, err)
	got, err := keyring.Verify(token, keySet(t, key), start)
	require.NoError(t, err)
	require.Equal(t, c, got)
}

func TestAKeyThatTheRingNeverMadeSignsNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		_, err := newRing(t, e, 1).Certify(t.Context(), "nobody", certificate())
		require.ErrorIs(t, err, keyring.ErrUnknownSigningKey)
	})
}

func TestASigningKeyOfUnknownAlgorithmIsRefused(t *testing.T) {
	t.Parallel()
	_, err := newRing(t, sqlite, 1).NewSigningKey(t.Context(), "default", product, "dsa")
	require.ErrorIs(t, err, keyring.ErrUnknownAlgorithm)
}

func TestASigningKeyWithoutRandomnessIsNotMade(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		for _, enough := range []int{0, 32} { // the seed, then the nonce
			k, err := keyring.Open(t.Context(), config(t, r.db, &failing{left: enough}))
			require.NoError(t, err)
			_, err = k.NewSigningKey(t.Context(), "default", product, catalog.Ed25519)
			require.ErrorIs(t, err, errDry)
		}
		var stored int
		require.NoError(t, r.db.QueryRow(`SELECT count(*) FROM signing_keys`).Scan(&stored))
		require.Zero(t, stored)
	})
}

func TestTamperedRowsOfSigningKeysAreRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		for name, tamper := range map[string]struct {
			statement string
			with      []any
		}{
			"another tenant":  {`UPDATE signing_keys SET tenant = 'other'`, nil},
			"another product": {`UPDATE signing_keys SET product_id = '0195a000-0000-7000-8000-0000000000ff'`, nil},
			"other bytes":     {`UPDATE signing_keys SET sealed = $1`, []any{make([]byte, 100)}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				k := newRing(t, e, 1)
				keys := signingKeys(t, k)
				k.exec(t, tamper.statement, tamper.with...)
				for _, key := range keys {
					_, err := k.Certify(t.Context(), key.ID, certificate())
					require.ErrorIs(t, err, keyring.ErrTampered)
				}
			})
		}
	})
}

func TestSigningKeysThatStandInEachOthersRowsAreRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		keys := signingKeys(t, k)
		k.swapSealed(t, "signing_keys", "key_id", keys[catalog.Ed25519].ID, keys[catalog.RSA2048].ID)
		for _, key := range keys {
			_, err := k.Certify(t.Context(), key.ID, certificate())
			require.ErrorIs(t, err, keyring.ErrTampered)
		}
	})
}

func BenchmarkCertify(b *testing.B) {
	k := newRing(b, sqlite, 1)
	for algorithm, key := range signingKeys(b, k) {
		b.Run(string(algorithm), func(b *testing.B) {
			for b.Loop() {
				_, err := k.Certify(b.Context(), key.ID, certificate())
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	k := newRing(b, sqlite, 1)
	for algorithm, key := range signingKeys(b, k) {
		token, err := k.Certify(b.Context(), key.ID, certificate())
		require.NoError(b, err)
		set := keySet(b, key)
		b.Run(string(algorithm), func(b *testing.B) {
			for b.Loop() {
				_, err := keyring.Verify(token, set, start)
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkParseLicenseKey(b *testing.B) {
	k := newRing(b, sqlite, 1)
	text := k.FormatLicenseKey(keyring.LicenseKey{Serial: 5, Generation: 1})
	for b.Loop() {
		_, err := k.ParseLicenseKey(b.Context(), text)
		require.NoError(b, err)
	}
}
