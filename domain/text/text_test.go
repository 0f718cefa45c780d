package text_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/text"
)

func TestOnlyWhatAReaderSeesIsVisible(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "Ada Lovelace", "Zoë", "Zoe\u0308", "王", "می\u200cخواهم", "👩\u200d🚀", "a\u00a0b", "\ufffd"} {
		require.True(t, text.Visible(s), "%q", s)
	}
	for _, s := range []string{"a\u202eb", "a\u2066b", "\u200fa", "a\u061c", "a\u200bb", "\ufeffa", "a\u2060b", "so\u00adft",
		"a\x07", "a\x7f", "a\u0085b",
		"a\u2028b", "a\u2029", "\U000e0041", "\ufffe"} {
		require.False(t, text.Visible(s), "%q", s)
		require.False(t, text.VisibleLines(s), "%q", s)
	}
	require.False(t, text.Visible("a\nb"))
	require.True(t, text.VisibleLines("a\r\nb\tc"))
}
