// Package machine identifies the computers that licences are bound to, and tells whether one whose hardware changed a
// little is still the same.
package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// Fingerprint is the SHA-256 of a machine's composite identity, as 64 lower-case hexadecimal digits.
type Fingerprint string

var fingerprintPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// emptyFingerprint is the SHA-256 of nothing.
const emptyFingerprint = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// ParseFingerprint reads a fingerprint that a machine computed itself. Upper-case digits are accepted. Nothing but zeros or Fs and the
// SHA-256 of nothing are refused: every machine whose program found nothing has them. The error is a [domainerr.Invalid].
func ParseFingerprint(s string) (Fingerprint, error) {
	lower := strings.ToLower(s)
	if len(s) != 64 || !fingerprintPattern.MatchString(lower) {
		return "", &domainerr.Invalid{Fields: []domainerr.Field{{Message: "must be 64 hexadecimal digits"}}}
	}
	if lower == emptyFingerprint || !identifies(lower) {
		return "", &domainerr.Invalid{Fields: []domainerr.Field{{
			Message: "identifies no machine: it is made of nothing. Send components instead",
		}}}
	}
	return Fingerprint(lower), nil
}

// Kind names a hardware or system component that helps to tell machines apart.
type Kind string

// The component kinds.
const (
	CPU   Kind = "cpu"    // processor model and serial
	Board Kind = "board"  // mainboard serial
	BIOS  Kind = "bios"   // firmware serial or UUID
	MAC   Kind = "mac"    // network card addresses
	OSID  Kind = "os_id"  // the operating system's machine id
	Disk  Kind = "disk"   // system disk serial
	Chip  Kind = "tpm"    // security chip's endorsement key digest
	Card  Kind = "gpu"    // graphics card serial or UUID
	Mem   Kind = "memory" // memory module serials
)

// Kinds lists all component kinds in their canonical order.
func Kinds() []Kind { return []Kind{CPU, Board, BIOS, MAC, OSID, Disk, Chip, Card, Mem} }

// Limits of what a machine may present.
const (
	MaxValuesPerKind = 32
	MaxValueLength   = 256
)

// Components are a machine's identifying parts in clear, as it presents them. They are never stored; see [Hashes].
type Components map[Kind][]string

// NewComponents normalises what a machine presents: each value has one form (MAC addresses with colons, UUIDs without braces, all in
// lower case), and a kind's values are sorted and unique, so that neither order nor spelling of the report matters. Placeholders, such as
// "To be filled by O.E.M.", are dropped. spelledAnew reports whether an earlier version made other components of the same report: see
// [FormerComponents].
//
// The error is a [domainerr.Invalid] naming unknown kinds, too many or too long values, values with a zero byte, or that
// nothing is left.
func NewComponents(presented map[string][]string) (components Components, spelledAnew bool, err error) {
	var check domainerr.Check
	components = Components{}
	for name, values := range presented {
		kind := Kind(name)
		check.Require(slices.Contains(Kinds(), kind), name, "is not a component kind")
		check.Require(len(values) <= MaxValuesPerKind, name, "has more than 32 values")
		var kept []string
		for _, v := range values {
			check.Require(len(v) <= MaxValueLength, name, "has a value of more than 256 bytes")
			check.Require(!strings.Contains(v, "\x00"), name, "has a value with a zero byte") // which separates values in the fingerprint
			before := lower(v)
			now := normal(kind, before)
			if identifies(now) {
				kept = append(kept, now)
				spelledAnew = spelledAnew || now != before
			} else {
				spelledAnew = spelledAnew || before != ""
			}
		}
		components.add(kind, kept)
	}
	if err := check.Err(); err != nil { // what is wrong with a value says more than that none is left
		return nil, false, err
	}
	check.Require(len(components) > 0, "", "must hold at least one component that identifies the machine; "+
		"empty values and placeholders, such as \"To be filled by O.E.M.\", do not")
	if err := check.Err(); err != nil {
		return nil, false, err
	}
	return components, spelledAnew, nil
}

// FormerComponents returns what versions before 0.8 made of a report: they only trimmed values and wrote them in lower case. all are those
// components, identifying the ones that are not placeholders.
func FormerComponents(presented map[string][]string) (all, identifying Components) {
	all, identifying = Components{}, Components{}
	for name, values := range presented {
		kind := Kind(name)
		var every, some []string
		for _, v := range values {
			v = lower(v)
			if v != "" {
				every = append(every, v)
			}
			if identifies(v) {
				some = append(some, v)
			}
		}
		all.add(kind, every)
		identifying.add(kind, some)
	}
	return all, identifying
}

func (c Components) add(kind Kind, values []string) {
	if len(values) > 0 {
		slices.Sort(values)
		c[kind] = slices.Compact(values)
	}
}

// Fingerprint is the SHA-256 over the components in canonical order: each kind's name, then its values, every one
// followed by a zero byte, and a further zero byte after each kind.
func (c Components) Fingerprint() Fingerprint {
	h := sha256.New()
	for _, kind := range Kinds() {
		if len(c[kind]) == 0 {
			continue
		}
		h.Write([]byte(string(kind) + "\x00"))
		for _, v := range c[kind] {
			h.Write([]byte(v + "\x00"))
		}
		h.Write([]byte{0})
	}
	return Fingerprint(hex.EncodeToString(h.Sum(nil)))
}
