package strictjson

import (
	"bytes"
	"strconv"
	"unicode/utf16"
)

// checkEscapes returns the rule that an escape in the body breaks, empty if none does. JSON can only write U+0000 and surrogates as
// escapes. Not every database can store U+0000, and events must be fit for all of them. A surrogate without its other half is no character;
// encoding/json would replace it silently.
func checkEscapes(data []byte) string {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 || i+1 >= len(data) {
			return ""
		}
		unit, is := codeUnit(data[i:])
		if !is {
			data = data[i+2:] // another escape, such as an escaped backslash
			continue
		}
		data = data[i+escapeLength:]
		switch {
		case unit == 0:
			return "must not hold the character U+0000"
		case !utf16.IsSurrogate(unit):
			continue
		}
		second, is := codeUnit(data)
		if !is || utf16.DecodeRune(unit, second) == '\uFFFD' {
			return "must not hold half of a surrogate pair"
		}
		data = data[escapeLength:]
	}
}

const escapeLength = len(`\u0000`)

// codeUnit returns the UTF-16 code unit that data begins with as an escape.
func codeUnit(data []byte) (rune, bool) {
	if len(data) < escapeLength || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(data[2:escapeLength]), 16, 16)
	return rune(unit), err == nil
}
