// Package text says which characters people may put into names, addresses and reasons.
package text

import "unicode"

// Rule is what a text must keep to, for messages.
const Rule = "must not hold control, bidirectional or invisible characters"

// Visible reports whether a text of one line holds only characters that a reader sees: no control characters, none that turn the direction
// of what follows, and no invisible ones. The two joiners are allowed, since several scripts and emoji need them.
func Visible(s string) bool { return visible(s, "") }

// VisibleLines is like [Visible] for a text of several lines, with tabs.
func VisibleLines(s string) bool { return visible(s, "\n\r\t") }

const joiners = "\u200c\u200d"

func visible(s, allowed string) bool {
	for _, r := range s {
		if isOneOf(r, allowed) || isOneOf(r, joiners) {
			continue
		}
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point) {
			return false
		}
	}
	return true
}

func isOneOf(r rune, characters string) bool {
	for _, c := range characters {
		if c == r {
			return true
		}
	}
	return false
}
