package readmodels

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what a licence is found by.
const (
	// MaxWords is how many words of one licence are kept.
	MaxWords = 128
	// MaxWordLength is how many bytes of a word are kept.
	MaxWordLength = 64
)

// CaseFold returns text in the form in which it is compared: without regard to letter case and surrounding space. The folding
// is done here rather than in SQL, so that every engine finds the same.
func CaseFold(s string) string {
	return strings.ToLower(strings.ToUpper(strings.TrimSpace(s)))
}

// Words returns the distinct words under which texts are found, in order of appearance, at most [MaxWords]. Text is cut
// at white space; a piece with marks in it, such as an e-mail address, counts from each of its parts on: what is looked for
// as "example" or as "example.com" is found in "ada@example.com".
func Words(texts ...string) []string {
	var words []string
	seen := map[string]bool{}
	keep := func(word string) {
		word = shorten(word)
		if word != "" && !seen[word] && len(words) < MaxWords {
			seen[word] = true
			words = append(words, word)
		}
	}
	for _, text := range texts {
		for piece := range strings.FieldsSeq(CaseFold(text)) {
			for tail := strings.TrimFunc(piece, isMark); tail != ""; tail = afterFirstPart(tail) {
				keep(tail)
			}
		}
		if len(words) == MaxWords {
			break
		}
	}
	return words
}

// afterFirstPart returns what follows the first mark of a piece and any further ones beside it.
func afterFirstPart(piece string) string {
	mark := strings.IndexFunc(piece, isMark)
	if mark < 0 {
		return ""
	}
	return strings.TrimLeftFunc(piece[mark:], isMark)
}

func isMark(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }

// shorten cuts a word to its first MaxWordLength bytes, between two runes.
func shorten(word string) string {
	if len(word) <= MaxWordLength {
		return word
	}
	word = word[:MaxWordLength]
	for !utf8.ValidString(word) {
		word = word[:len(word)-1]
	}
	return word
}

// common is the number of licences from which on a word, a product or a plan no longer leads the way to them: walking the list in
// order and looking at each licence is faster then.
const common = 5_000

// searched returns the words of a search, each to be the beginning of one of a licence's words.
func searched(text string) ([]string, error) {
	if len(text) > MaxSearchLength {
		return nil, fmt.Errorf("%w: search for at most %d bytes", ErrInvalidQuery, MaxSearchLength)
	}
	var words []string
	for piece := range strings.FieldsSeq(CaseFold(text)) {
		if piece = shorten(strings.TrimFunc(piece, isMark)); piece != "" && !slices.Contains(words, piece) {
			words = append(words, piece)
		}
	}
	if len(words) > MaxSearchWords {
		return nil, fmt.Errorf("%w: search for at most %d words", ErrInvalidQuery, MaxSearchWords)
	}
	return words, nil
}

// mostSelectiveWord returns the index of the word that fewest words of licences begin with, -1 when all of them are common.
func (db *DB) mostSelectiveWord(ctx context.Context, tenant string, words []string) (int, error) {
	rarest, least := -1, common
	for i, word := range words {
		count, err := one(ctx, db, scanCount, `SELECT COUNT(*) FROM (SELECT 1 FROM license_words
			WHERE tenant = $1 AND word >= $2 AND word < $3 LIMIT $4) AS counted`, tenant, word, afterPrefix(word), least)
		if err != nil {
			return -1, err
		}
		if count < least {
			rarest, least = i, count
		}
	}
	return rarest, nil
}

func scanCount(r row) (n int, err error) {
	err = r.Scan(&n)
	return n, err
}

// afterPrefix is greater, byte by byte, than every word that begins with the prefix: no word holds U+10FFFF.
func afterPrefix(prefix string) string { return prefix + string(unicode.MaxRune) }

func likeLiteral(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
