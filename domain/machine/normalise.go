package machine

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lower is a value without surrounding blanks, in lower case.
func lower(value string) string { return strings.ToLower(strings.TrimSpace(value)) }

// normal is the one form of a value in lower case, so that its spelling does not matter: MAC addresses (EUI-48) as
// "00:1b:44:11:3a:b7", UUIDs (RFC 9562) as "4c4c4544-0042-3510-8052-b4c04f4d3132". Anything else is left as it is.
func normal(kind Kind, value string) string {
	if kind == MAC {
		return grouped(value, "-:. ", ':', 2, 2, 2, 2, 2, 2)
	}
	bare := strings.TrimPrefix(value, "urn:uuid:")
	if inner, opened := strings.CutPrefix(bare, "{"); opened {
		bare, _ = strings.CutSuffix(inner, "}")
	}
	if form := grouped(bare, "-", '-', 8, 4, 4, 4, 12); len(form) == uuidLength && form[8] == '-' {
		return form
	}
	return value
}

const uuidLength = 36

// grouped writes hexadecimal digits in groups of the given sizes with a separator between them. It returns a value unchanged that has
// another number of digits, or another character than digits and the separators that are accepted.
func grouped(value, accepted string, separator byte, sizes ...int) string {
	if len(value) > uuidLength {
		return value
	}
	digits := make([]byte, 0, uuidLength)
	for i := range len(value) {
		switch c := value[i]; {
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
			digits = append(digits, c)
		case strings.IndexByte(accepted, c) < 0:
			return value
		}
	}
	form := make([]byte, 0, uuidLength)
	for i, size := range sizes {
		if len(digits) < size {
			return value
		}
		if i > 0 {
			form = append(form, separator)
		}
		form, digits = append(form, digits[:size]...), digits[size:]
	}
	if len(digits) > 0 {
		return value
	}
	return string(form)
}

// placeholders are what vendors of boards and firmware leave where a serial number belongs: letters and digits only, in lower case.
var placeholders = map[string]bool{
	"tobefilledbyoem": true, "tobefilled": true, "defaultstring": true, "default": true, "none": true, "na": true, "null": true,
	"nil": true, "notapplicable": true, "notavailable": true, "notspecified": true, "notpresent": true, "notset": true, "notdefined": true,
	"unknown": true, "undefined": true, "unspecified": true, "invalid": true, "empty": true, "blank": true, "oem": true, "test": true,
	"serial": true, "serialnumber": true, "systemserialnumber": true, "baseboardserialnumber": true, "boardserialnumber": true,
	"chassisserialnumber": true, "mbserialnumber": true, "biosserialnumber": true, "ssnssnssnssn": true, "systemuuid": true,
	"systemproductname": true, "systemmanufacturer": true, "systemversion": true, "productname": true, "assettag": true, "noassettag": true,
	"noserialnumber": true, "0123456789": true, "123456789": true, "1234567890": true, "12345678": true, "01234567": true,
	"0123456789abcdef": true, "uninitialized": true,
	// The UUIDs of firmware that was never given one.
	"03000200040005000006000700080009": true, "00020003000400050006000700080009": true,
}

// identifies reports whether a value in lower case can tell a machine from others. Placeholders cannot, nor can zeros, or four Fs or Xs
// and more, such as the broadcast address and a UUID that was erased. Blanks and punctuation do not count.
func identifies(value string) bool {
	var start [32]byte // as long as the longest placeholder
	var first rune
	n, repeated := 0, true
	for _, r := range value {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			continue
		}
		if r >= utf8.RuneSelf {
			return true
		}
		if n == 0 {
			first = r
		}
		repeated = repeated && r == first
		if n < len(start) {
			start[n] = byte(r)
		}
		n++
	}
	switch {
	case n == 0, repeated && first == '0', repeated && n >= 4 && (first == 'f' || first == 'x'):
		return false
	default:
		return n > len(start) || !placeholders[string(start[:n])]
	}
}
