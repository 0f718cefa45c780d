package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRedacted holds that a password in a connection string is never shown, wherever it stands in it.
func FuzzRedacted(f *testing.F) {
	for _, text := range []string{
		"postgres://host/db", "postgres://host/db?sslmode=disable", "esdb://a,b?tls=false", "./ledger.db", "postgres://%zz",
		"redis://h?password=x&PASSWORD=y", "x://",
	} {
		f.Add(text)
	}
	const password = "correct-horse-battery"
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, password) || !strings.Contains(text, "://") {
			return
		}
		inUserinfo := strings.Replace(text, "://", "://user:"+password+"@", 1)
		require.NotContains(t, Redacted(inUserinfo), password)
		separator := "?"
		if strings.Contains(text, "?") {
			separator = "&"
		}
		if !strings.Contains(text, "#") {
			require.NotContains(t, Redacted(text+separator+"password="+password), password)
		}
		require.Equal(t, Redacted(text), Redacted(Redacted(text)), "redacting twice changes nothing")
	})
}
