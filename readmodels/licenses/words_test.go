package licenses_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
)

func TestTextIsCutIntoWordsAndTheirTails(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                            nil,
		"  \t":                        nil,
		"Ada Lovelace":                {"ada", "lovelace"},
		"ada.l@Example.com":           {"ada.l@example.com", "l@example.com", "example.com", "com"},
		"(O'Brien, Ltd.)":             {"o'brien", "brien", "ltd"},
		"PO-4711 po-4711":             {"po-4711", "4711"},
		"ΣΊΣΥΦΟΣ σίσυφος":             {"σίσυφοσ"},
		"ÉCOLE 東京":                    {"école", "東京"},
		"--- !":                       nil,
		strings.Repeat("é", 40):       {strings.Repeat("é", 32)},
		strings.Repeat("a", 63) + "é": {strings.Repeat("a", 63)},
	} {
		require.Equal(t, want, licenses.Words(text), "words of %q", text)
	}
}

func TestALicenseHasABoundedNumberOfBoundedWords(t *testing.T) {
	t.Parallel()
	var many []string
	for n := range 1_000 {
		many = append(many, fmt.Sprint("word", n))
	}
	require.Len(t, licenses.Words(many...), licenses.MaxWords)
	rapid.Check(t, func(rt *rapid.T) {
		found := licenses.Words(rapid.SliceOf(rapid.String()).Draw(rt, "texts")...)
		require.LessOrEqual(rt, len(found), licenses.MaxWords)
		seen := map[string]bool{}
		for _, w := range found {
			require.NotEmpty(rt, w)
			require.LessOrEqual(rt, len(w), licenses.MaxWordLength)
			require.True(rt, utf8.ValidString(w))
			require.NotContains(rt, w, " ")
			require.False(rt, seen[w])
			seen[w] = true
		}
	})
}

func TestFoldingIgnoresCaseAndSpaceAround(t *testing.T) {
	t.Parallel()
	require.Equal(t, licenses.CaseFold(" Émilie "), licenses.CaseFold("éMILIE"))
	require.NotEqual(t, licenses.CaseFold("emilie"), licenses.CaseFold("émilie"))
}
