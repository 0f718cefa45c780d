package strictjson

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

const numberRule = "must be a number that a 64-bit floating-point number keeps exactly; send longer ones as text"

// holdsNumber reports whether a value of the type may hold a JSON number as a floating-point number.
func holdsNumber(t reflect.Type) bool {
	return t.Kind() == reflect.Interface || t.Kind() == reflect.Float64 || t.Kind() == reflect.Float32
}

// isInexact reports whether raw is a JSON number that would be another one after it is read and written again, such as 9007199254740993.
func isInexact(raw json.RawMessage) bool {
	text := string(raw)
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false // no number
	}
	read, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return true
	}
	digits, exponent, ok := decimal(text)
	written, writtenExponent, _ := decimal(strconv.FormatFloat(read, 'e', -1, 64))
	return !ok || digits != written || exponent != writtenExponent
}

// decimal returns the digits of a JSON number, without zeros around them, and the power of ten that they are multiplied with. ok is false
// if the exponent is beyond all bounds.
func decimal(number string) (digits string, exponent int, ok bool) {
	number = strings.TrimPrefix(number, "-")
	mantissa := number
	if e := strings.IndexAny(number, "eE"); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(number[e+1:]); err != nil {
			return "", 0, false
		}
		mantissa = number[:e]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "", 0, true
	}
	return trimmed, exponent + len(digits) - len(trimmed), true
}
