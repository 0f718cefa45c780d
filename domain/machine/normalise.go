package machine

import (
	"regexp"
	"strings"
)

var (
	macAddress = regexp.MustCompile(`^[0-9a-f]{2}([-:. ]?[0-9a-f]{2}){5}$`)
	uuidText   = regexp.MustCompile(`^(urn:uuid:)?\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$`)
	separators = strings.NewReplacer("-", "", ":", "", ".", "", " ", "", "{", "", "}", "", "urn:uuid:", "")
)

// normal is the one form of a value, so that its spelling does not matter: trimmed and in lower case; MAC addresses (EUI-48) as
// "00:1b:44:11:3a:b7", UUIDs (RFC 9562) as "03a7c0de-…" without braces.
func normal(kind Kind, value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	switch {
	case kind == MAC && macAddress.MatchString(value):
		digits := separators.Replace(value)
		pairs := make([]string, 0, 6)
		for i := 0; i < len(digits); i += 2 {
			pairs = append(pairs, digits[i:i+2])
		}
		return strings.Join(pairs, ":")
	case kind != MAC && uuidText.MatchString(value):
		d := separators.Replace(value)
		return strings.Join([]string{d[:8], d[8:12], d[12:16], d[16:20], d[20:]}, "-")
	default:
		return value
	}
}

// placeholders are what vendors of boards and firmware leave where a serial number belongs, without blanks and punctuation. The list is
// from dmidecode reports of machines of many makers.
var placeholders = map[string]bool{
	"": true, "tobefilledbyoem": true, "tobefilled": true, "defaultstring": true, "default": true, "none": true, "na": true, "null": true,
	"nil": true, "notapplicable": true, "notavailable": true, "notspecified": true, "notpresent": true, "notset": true, "notdefined": true,
	"unknown": true, "undefined": true, "unspecified": true, "invalid": true, "empty": true, "blank": true, "oem": true, "test": true,
	"serial": true, "serialnumber": true, "systemserialnumber": true, "baseboardserialnumber": true, "boardserialnumber": true,
	"chassisserialnumber": true, "mbserialnumber": true, "biosserialnumber": true, "ssnssnssnssn": true, "systemuuid": true,
	"systemproductname": true, "systemmanufacturer": true, "systemversion": true, "productname": true, "assettag": true, "noassettag": true,
	"noserialnumber": true, "0123456789": true, "123456789": true, "1234567890": true, "12345678": true, "01234567": true,
	"0123456789abcdef": true, "uninitialized": true,
	// The UUID of firmware that was never given one: see https://dmidecode.nongnu.org.
	"03000200040005000006000700080009": true, "00020003000400050006000700080009": true,
}

var notLettersOrDigits = regexp.MustCompile(`[^\p{L}\p{N}]+`)

// identifies reports whether a value can tell a machine from others. Placeholders cannot, nor can zeros, or Fs or Xs in a row, such as
// the broadcast address and a UUID that was erased.
func identifies(value string) bool {
	bare := notLettersOrDigits.ReplaceAllString(value, "")
	return !placeholders[bare] && !repeats.MatchString(bare)
}

var repeats = regexp.MustCompile(`^(0+|f{4,}|x{4,})$`)
