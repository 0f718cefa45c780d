package problem

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzShortened holds that a detail is bounded and stays the beginning of the message.
func FuzzShortened(f *testing.F) {
	f.Add("short")
	f.Add(strings.Repeat("ä", maxDetail))
	f.Add(strings.Repeat("x", maxDetail) + "\xff")
	f.Fuzz(func(t *testing.T, message string) {
		detail := shortened(message)
		require.LessOrEqual(t, len(detail), maxDetail+len("…"))
		if utf8.ValidString(message) {
			require.True(t, strings.HasPrefix(message, strings.TrimSuffix(detail, "…")))
			require.True(t, utf8.ValidString(detail))
		}
	})
}
