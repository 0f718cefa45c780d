package readmodels

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzCursor feeds text to the decoder of cursors, which clients send back: what it accepts is exactly what it would have handed out.
func FuzzCursor(f *testing.F) {
	const order = "licenses issued_at DESC"
	f.Add(cursor{Order: order, Key: "17", Row: 3}.String())
	f.Add(cursor{Order: "plans", Key: "\x00", Row: -1}.String())
	f.Add("e30")
	f.Add("=")
	f.Fuzz(func(t *testing.T, text string) {
		limit, from, err := (&DB{}).start(Paging{Cursor: text}, order)
		switch {
		case err != nil:
			require.True(t, errors.Is(err, ErrBadCursor) || errors.Is(err, ErrOtherEpoch))
		case text == "":
			require.Nil(t, from)
		default:
			require.Equal(t, text, from.String())
			require.Equal(t, order, from.Order)
			require.Equal(t, DefaultLimit, limit)
		}
	})
}

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
		words, err := searched(query)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalidQuery)
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
