package keyring_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

// FuzzParseMasterKey holds that only 32 bytes in base64 are a master key, and that no error quotes what might be one.
func FuzzParseMasterKey(f *testing.F) {
	f.Add("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	f.Add("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	f.Add(" \n")
	f.Add(strings.Repeat("A", 5_000))
	f.Fuzz(func(t *testing.T, text string) {
		_, err := keyring.ParseMasterKey(text)
		raw, decoded := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
		if err == nil {
			require.NoError(t, decoded)
			require.Len(t, raw, 32)
			return
		}
		require.ErrorIs(t, err, keyring.ErrMasterKeyMalformed)
		if len(text) > 8 {
			require.NotContains(t, err.Error(), text)
		}
	})
}
