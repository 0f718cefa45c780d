package keyring

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// ErrLicenseKeyInvalid refuses a licence key that this ring did not make: mistyped or forged.
var ErrLicenseKeyInvalid = domainerr.New("LICENSE_KEY_INVALID", "the licence key is not valid",
	"check the key for typing mistakes: it is five groups of five letters and digits, such as XXXXX-XXXXX-XXXXX-XXXXX-XXXXX")

// LicenseKey is what a licence key says.
type LicenseKey struct {
	Serial     uint64 // names the licence, see [LicenseID]
	Generation uint8  // grows when the key is re-issued; older generations are refused by the licence
}

// A licence key is 125 bits in 25 digits: a serial, a generation, and the HMAC-SHA-256 of both, cut short.
const (
	digits         = 25
	digitsPerGroup = 5
	bitsPerDigit   = 5
	generationBits = 8
	macBits        = 53
	// maxLicenseKeyLength bounds what is looked at, in bytes; it leaves room for separators of all kinds, three bytes each.
	maxLicenseKeyLength = 256
)

// crockford is the alphabet of base 32 by Douglas Crockford (https://www.crockford.com/base32.html): no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// FormatLicenseKey returns the licence key as the customer types it, under the ring's newest secret.
func (k *Keyring) FormatLicenseKey(key LicenseKey) string {
	// 125 bits: the upper 61 in high, the lower 64 in low.
	high := key.Serial >> (64 - generationBits - macBits)
	low := key.Serial<<(generationBits+macBits) | uint64(key.Generation)<<macBits | licenseKeyMAC((*k.licenseKeyMACs.known.Load())[0], key)
	text := make([]byte, 0, digits+digits/digitsPerGroup-1)
	for i := range digits {
		if i > 0 && i%digitsPerGroup == 0 {
			text = append(text, '-')
		}
		text = append(text, crockford[digitAt(high, low, i)])
	}
	return string(text)
}

// ParseLicenseKey reads a licence key, as people type and paste it, and checks that this ring made it. Lower case, O for 0, I and L for 1,
// full-width characters and any number of separators (see [isSeparator]) are accepted. It fails with ErrLicenseKeyInvalid. No error
// holds the key.
//
// Storage is not touched, but for a ring that processes share: a licence key that no known secret made leads to a look for newer
// secrets, at most once a second, and to another error when that look fails. So, for up to a second after such a look, a licence key
// may be refused that another process made under a secret that is newer still.
func (k *Keyring) ParseLicenseKey(ctx context.Context, text string) (LicenseKey, error) {
	high, low, ok := decodeDigits(text)
	if !ok {
		return LicenseKey{}, ErrLicenseKeyInvalid
	}
	key := LicenseKey{
		Serial:     high<<(64-generationBits-macBits) | low>>(generationBits+macBits),
		Generation: uint8(low >> macBits & (1<<generationBits - 1)),
	}
	presented := binary.BigEndian.AppendUint64(nil, low&(1<<macBits-1))
	known := k.licenseKeyMACs.known.Load()
	if macMatches(*known, key, presented) {
		return key, nil
	}
	newer, err := k.newerSecrets(ctx, known)
	switch {
	case macMatches(newer, key, presented):
		return key, nil
	case err != nil:
		return LicenseKey{}, fmt.Errorf("check a license key: %w", err)
	default:
		return LicenseKey{}, ErrLicenseKeyInvalid
	}
}

// macMatches tells whether a MAC is that of key under one of the secrets.
func macMatches(secrets []*secret, key LicenseKey, presented []byte) bool {
	for _, s := range secrets {
		if hmac.Equal(presented, binary.BigEndian.AppendUint64(nil, licenseKeyMAC(s, key))) {
			return true
		}
	}
	return false
}

func licenseKeyMAC(s *secret, key LicenseKey) uint64 {
	message := binary.BigEndian.AppendUint64(nil, key.Serial)
	message = append(message, key.Generation)
	return binary.BigEndian.Uint64(s.mac(string(message))) >> (64 - macBits)
}

// digitAt returns the value of the i-th digit, from the left, of the 125-bit number high‖low.
func digitAt(high, low uint64, i int) uint64 {
	shift := bitsPerDigit * (digits - 1 - i)
	if shift >= 64 {
		return high >> (shift - 64) & 31
	}
	return (low>>shift | high<<(64-shift)) & 31
}

func decodeDigits(text string) (high, low uint64, ok bool) {
	if len(text) > maxLicenseKeyLength {
		return 0, 0, false
	}
	seen := 0
	for _, r := range text {
		if isSeparator(r) {
			continue
		}
		value, ok := digitValue(r)
		if !ok {
			return 0, 0, false
		}
		high, low = high<<bitsPerDigit|low>>(64-bitsPerDigit), low<<bitsPerDigit|value
		seen++
	}
	return high, low, seen == digits
}

// isSeparator reports whether a character only stands between or around the digits, where mail programs, word processors and chats put
// it: blanks and line ends of all kinds, dashes, quotation marks, and what is invisible, such as soft hyphens and byte order marks.
func isSeparator(r rune) bool {
	switch {
	case r == '-' || r == ' ':
		return true
	case 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
		return false
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Pi, unicode.Pf, unicode.Cf) || strings.ContainsRune("\"'`´−", r)
}

func digitValue(c rune) (uint64, bool) {
	if '！' <= c && c <= '～' { // full-width ASCII
		c -= '！' - '!'
	}
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	switch c {
	case 'O':
		c = '0'
	case 'I', 'L':
		c = '1'
	}
	value := strings.IndexRune(crockford, c)
	return uint64(max(value, 0)), value >= 0
}
