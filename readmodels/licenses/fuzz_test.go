package licenses

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// FuzzWords holds the words of a licence to their bounds and to the form in which they are compared.
func FuzzWords(f *testing.F) {
	for _, text := range []string{"Ada Lovelace", "ada.l@example.com", "STRASSE straße", strings.Repeat("x", 200), "ﬀ İ \u2028 \xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words := Words(text)
		require.LessOrEqual(t, len(words), MaxWords)
		for i, word := range words {
			require.NotEmpty(t, word)
			require.LessOrEqual(t, len(word), MaxWordLength)
			require.NotContains(t, word, " ")
			require.NotContains(t, words[:i], word)
		}
		require.Equal(t, words, Words(text), "the same words for the same text")
	})
}

// FuzzSearched holds that a licence is found by every word that it has, in any letter case.
func FuzzSearched(f *testing.F) {
	f.Add("Ada Lovelace", true)
	f.Add("ada@example.com", false)
	f.Add("%_\\", true)
	f.Fuzz(func(t *testing.T, text string, upper bool) {
		if !utf8.ValidString(text) {
			return
		}
		query := text
		if upper {
			query = strings.ToUpper(text)
		}
		words, err := searchWords(query)
		if err != nil {
			require.ErrorIs(t, err, store.ErrInvalidQuery)
			return
		}
		of := Words(text)
		for _, word := range words {
			if len(of) == MaxWords || CaseFold(strings.ToUpper(text)) != CaseFold(text) {
				return // cut off, or letters that change when they are folded twice
			}
			require.True(t, slices.ContainsFunc(of, func(w string) bool { return strings.HasPrefix(w, word) }), "%q in %q", word, of)
		}
	})
}
