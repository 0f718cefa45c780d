package keyring_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
)

// signed is a genuine certificate with the key set to verify it.
func signed(t testing.TB, algorithm catalog.Algorithm) (token string, set []byte) {
	t.Helper()
	k := newRing(t, sqlite, 1)
	keys := signingKeys(t, k)
	token, err := k.Certify(t.Context(), keys[algorithm].ID, certificate())
	require.NoError(t, err)
	return token, keySet(t, keys[catalog.Ed25519], keys[catalog.RSA2048])
}

func TestACertificateIsGoodFromNotBeforeUntilItsExpiry(t *testing.T) {
	t.Parallel()
	token, set := signed(t, catalog.Ed25519)
	c := certificate()
	for _, check := range []struct {
		now  time.Time
		want error
	}{
		{c.NotBefore.Add(-time.Nanosecond), keyring.ErrCertificateNotYetValid},
		{c.NotBefore, nil},
		{c.ExpiresAt.Add(-time.Nanosecond), nil},
		{c.ExpiresAt, keyring.ErrCertificateExpired},
		{c.ExpiresAt.Add(100 * 365 * 24 * time.Hour), keyring.ErrCertificateExpired},
	} {
		got, err := keyring.Verify(token, set, check.now)
		require.ErrorIs(t, err, check.want)
		require.Equal(t, c, got, "also an expired certificate can be shown")
	}
}

func TestACertificateWhoseKeyIsNotInTheSetIsRefused(t *testing.T) {
	t.Parallel()
	token, _ := signed(t, catalog.Ed25519)
	for _, set := range []string{`{"keys":[]}`, `{"keys":[{"kty":"OKP","kid":"other"}]}`} {
		_, err := keyring.Verify(token, []byte(set), start)
		require.ErrorIs(t, err, keyring.ErrCertificateUnknownKey)
	}
}

func TestWhatIsNotAKeySetIsRefused(t *testing.T) {
	t.Parallel()
	token, _ := signed(t, catalog.Ed25519)
	for _, set := range []string{"", "{}", "[]", "null", `{"keys":{}}`, `{"keys":[],"x":"` + strings.Repeat("x", 1<<20) + `"}`} {
		_, err := keyring.Verify(token, []byte(set), start)
		require.ErrorIs(t, err, keyring.ErrJWKSInvalid)
	}
}

func TestACertificateWithAnyAlteredCharacterIsRefused(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []catalog.Algorithm{catalog.Ed25519, catalog.RSA2048} {
		token, set := signed(t, algorithm)
		for i := range token {
			altered := []byte(token)
			if altered[i] == 'A' {
				altered[i] = 'B'
			} else {
				altered[i] = 'A'
			}
			_, err := keyring.Verify(string(altered), set, start)
			require.Error(t, err, "character %d", i)
		}
		for _, n := range []int{0, 1, len(token) / 2, len(token) - 1} {
			_, err := keyring.Verify(token[:n], set, start)
			require.ErrorIs(t, err, keyring.ErrCertificateInvalid)
		}
		_, err := keyring.Verify(token+"A", set, start)
		require.ErrorIs(t, err, keyring.ErrCertificateInvalid)
		_, err = keyring.Verify(token+strings.Repeat("A", keyring.MaxCertificateSize), set, start)
		require.ErrorIs(t, err, keyring.ErrCertificateInvalid)
	}
}

func TestAGenuineSignatureHasOneSpellingOnly(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	token, set := signed(t, catalog.Ed25519)
	last := strings.IndexByte(alphabet, token[len(token)-1])
	respelled := token[:len(token)-1] + string(alphabet[last|1]) // a bit that carries nothing
	require.NotEqual(t, token, respelled)
	_, err := keyring.Verify(respelled, set, start)
	require.ErrorIs(t, err, keyring.ErrCertificateInvalid)
}

// forge signs claims of one's own choice with the vendor's very key.
func forge(t *testing.T, method jwt.SigningMethod, key any, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	require.NoError(t, err)
	return text
}

func genuineClaims(t *testing.T) map[string]any {
	t.Helper()
	token, _ := signed(t, catalog.Ed25519)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(payload, &claims))
	return claims
}

func TestTokensThatOnlyLookLikeCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	keys := signingKeys(t, k)
	set := keySet(t, keys[catalog.Ed25519], keys[catalog.RSA2048])
	edwards := map[string]any{"kid": keys[catalog.Ed25519].ID}
	rivest := map[string]any{"kid": keys[catalog.RSA2048].ID}
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	claims := genuineClaims(t)
	with := func(name string, value any) map[string]any {
		changed := maps.Clone(claims)
		changed[name] = value
		return changed
	}
	extended := maps.Clone(edwards)
	extended["crit"] = []string{"exp"}

	_, err := keyring.Verify(forge(t, jwt.SigningMethodEdDSA, private, edwards, claims), set, start)
	require.NoError(t, err, "the forger's tools work")

	for name, token := range map[string]string{
		"no algorithm":                         forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, edwards, claims),
		"a public key as a shared secret":      forge(t, jwt.SigningMethodHS256, keys[catalog.RSA2048].Public, rivest, claims),
		"a probabilistic scheme":               forge(t, jwt.SigningMethodPS256, fixedRSA(t), rivest, claims),
		"a longer hash":                        forge(t, jwt.SigningMethodRS512, fixedRSA(t), rivest, claims),
		"RSA under the name of an Ed25519 key": forge(t, jwt.SigningMethodRS256, fixedRSA(t), edwards, claims),
		"Ed25519 under the name of an RSA key": forge(t, jwt.SigningMethodEdDSA, private, rivest, claims),
		"another private key": forge(t, jwt.SigningMethodEdDSA,
			ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))), edwards, claims),
		"no key id":                            forge(t, jwt.SigningMethodEdDSA, private, nil, claims),
		"a key id that is no text":             forge(t, jwt.SigningMethodEdDSA, private, map[string]any{"kid": 1}, claims),
		"an extension that must be understood": forge(t, jwt.SigningMethodEdDSA, private, extended, claims),
		"another license as its subject":       forge(t, jwt.SigningMethodEdDSA, private, edwards, with("sub", uuid.New())),
		"another audience":                     forge(t, jwt.SigningMethodEdDSA, private, edwards, with("aud", "other")),
		"another id":                           forge(t, jwt.SigningMethodEdDSA, private, edwards, with("jti", "x")),
		"no expiry":                            forge(t, jwt.SigningMethodEdDSA, private, edwards, with("exp", 0)),
		"an expiry that is no whole number":    forge(t, jwt.SigningMethodEdDSA, private, edwards, with("exp", 1.5)),
		"an expiry that is text":               forge(t, jwt.SigningMethodEdDSA, private, edwards, with("exp", "never")),
		"no claims":                            forge(t, jwt.SigningMethodEdDSA, private, edwards, nil),
	} {
		got, err := keyring.Verify(token, set, start)
		require.ErrorIs(t, err, keyring.ErrCertificateInvalid, name)
		require.Zero(t, got, name)
		require.NotContains(t, err.Error(), token[:20], name)
	}
}

func TestAKeyThatDoesNotFitItsAlgorithmVerifiesNothing(t *testing.T) {
	t.Parallel()
	for algorithm, spoil := range map[catalog.Algorithm][]func(map[string]any){
		catalog.Ed25519: {
			func(k map[string]any) { k["use"] = "enc" },
			func(k map[string]any) { k["alg"] = "RS256" },
			func(k map[string]any) { k["crv"] = "X25519" },
			func(k map[string]any) { k["kty"] = "EC" },
			func(k map[string]any) { k["x"] = "AAAA" },
			func(k map[string]any) { k["x"] = "!" },
		},
		catalog.RSA2048: {
			func(k map[string]any) { k["alg"] = "EdDSA" },
			func(k map[string]any) { k["kty"] = "OKP" },
			func(k map[string]any) { k["e"] = "Aw" },
			func(k map[string]any) { k["n"] = "AQAB" },
			func(k map[string]any) { k["n"] = "!" },
		},
	} {
		k := newRing(t, sqlite, 1)
		key := signingKeys(t, k)[algorithm]
		token, err := k.Certify(t.Context(), key.ID, certificate())
		require.NoError(t, err)
		for i, change := range spoil {
			var set map[string][]map[string]any
			require.NoError(t, json.Unmarshal(keySet(t, key), &set))
			change(set["keys"][0])
			spoiled, err := json.Marshal(set)
			require.NoError(t, err)
			_, err = keyring.Verify(token, spoiled, start)
			require.ErrorIs(t, err, keyring.ErrCertificateInvalid, "%s %d", algorithm, i)
		}
		var bare map[string][]map[string]any
		require.NoError(t, json.Unmarshal(keySet(t, key), &bare))
		delete(bare["keys"][0], "use")
		delete(bare["keys"][0], "alg")
		plain, err := json.Marshal(bare)
		require.NoError(t, err)
		_, err = keyring.Verify(token, plain, start)
		require.NoError(t, err, "use and alg are optional in a key set")
	}
}

func recorded(f *testing.F, name string) []byte {
	f.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(f, err)
	return content
}

func FuzzVerify(f *testing.F) {
	set := recorded(f, "jwks.golden")
	for _, name := range []string{"certificate_ed25519.golden", "certificate_rsa2048.golden"} {
		lines := strings.Split(string(recorded(f, name)), "\n")
		f.Add(lines[2], set)
	}
	f.Add("", []byte(`{"keys":[]}`))
	f.Add("e30.e30.", []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":""}]}`))
	f.Fuzz(func(t *testing.T, token string, presented []byte) {
		got, err := keyring.Verify(token, set, start)
		if err == nil {
			require.Equal(t, certificate(), got, "only the genuine certificates pass the genuine keys")
		}
		_, _ = keyring.Verify(token, presented, start) // must not panic, whatever the keys
	})
}
