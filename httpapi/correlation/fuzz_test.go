package correlation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// FuzzValid holds that an id from a client which is taken over cannot break a log line, a header or a JSON document.
func FuzzValid(f *testing.F) {
	for _, id := range []string{"request-1", "", "a b", "a\r\nX: y", `a"b`, strings.Repeat("x", 129)} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !correlation.Valid(id) {
			return
		}
		require.NotEmpty(t, id)
		require.LessOrEqual(t, len(id), correlation.MaxLength)
		require.False(t, strings.ContainsAny(id, " \t\r\n\"\\<>'`{}"), "%q", id)
	})
}
