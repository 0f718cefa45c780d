package licenses

import (
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
