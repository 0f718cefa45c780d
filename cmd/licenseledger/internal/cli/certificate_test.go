package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACertificateIsFoundInWhateverItWasSavedIn(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJFZERTQSJ9.e30.c2ln"
	for _, saved := range []string{
		token, token + "\r\n", "\ufeff" + token + "\n", `"` + token + `"`, "'" + token + "'", "“" + token + "”",
		`{"activation_id":"7","certificate":"` + token + `"}`, "\ufeff{\n  \"certificate\": \"" + token + "\"\n}\n",
	} {
		found, err := readCertificate(strings.NewReader(saved), "-")
		require.NoError(t, err)
		require.Equal(t, token, found, "%q", saved)
	}
}
