package correlation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// FuzzValid holds that an id from a client which is taken over cannot break a log line, a header or a JSON document.
func FuzzValid(f *testing.F) {
	for _, id := range []string{"018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11", "4bf92f3577b34da6a3ce929d0e0e4736", "request-1", "", "a b", "a\r\nX: y", `a"b`, strings.Repeat("x", 129)} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !correlation.Valid(id) {
			return
		}
		require.NotEmpty(t, id)
		require.LessOrEqual(t, len(id), 36)
		require.False(t, strings.ContainsAny(id, " \t\r\n\"\\<>'`{}"), "%q", id)
	})
}
