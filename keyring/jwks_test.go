package keyring_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestTheFormOfKeySetsIsPinnedAndDoesNotDependOnTheOrderOfTheKeys(t *testing.T) {
	t.Parallel()
	keys := signingKeys(t, newRing(t, sqlite, 1))
	set := keySet(t, keys[catalog.Ed25519], keys[catalog.RSA2048])
	golden(t, "jwks.golden", append(set, '\n'))
	require.Equal(t, string(set), string(keySet(t, keys[catalog.RSA2048], keys[catalog.Ed25519])))
}

func TestAKeySetWithoutKeysIsAnEmptyList(t *testing.T) {
	t.Parallel()
	require.JSONEq(t, `{"keys":[]}`, string(keySet(t)))
}

func TestThumbprintsAreThoseOfTheStandards(t *testing.T) {
	t.Parallel()
	seed, err := base64.RawURLEncoding.DecodeString("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	require.NoError(t, err)
	thumbprint, err := keyring.Thumbprint(ed25519.NewKeyFromSeed(seed).Public())
	require.NoError(t, err)
	require.Equal(t, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", thumbprint, "RFC 8037 appendix A.3")

	n, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	require.NoError(t, err)
	thumbprint, err = keyring.Thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
	require.NoError(t, err)
	require.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", thumbprint, "RFC 7638 section 3.1")
}

func TestPublicKeysOfOtherKindsAreNotPublished(t *testing.T) {
	t.Parallel()
	_, err := keyring.JWKS([]catalog.SigningKey{{ID: "broken", Public: []byte("no key")}})
	require.ErrorContains(t, err, "broken")

	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(curve.Public())
	require.NoError(t, err)
	_, err = keyring.JWKS([]catalog.SigningKey{{ID: "curve", Public: public}})
	require.ErrorIs(t, err, keyring.ErrUnknownAlgorithm)
}
