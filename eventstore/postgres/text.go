package postgres

import (
	"strings"
	"unicode/utf8"
)

// isText tells whether PostgreSQL takes s for text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
