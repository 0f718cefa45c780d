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
// "To be filled by O.E.M.", are dropped.
//
// Former is what versions before 0.8 made of the same report: they only trimmed and lower-cased values. Nil if it is the same.
//
// The error is a [domainerr.Invalid] naming unknown kinds, too many or too long values, values with a zero byte, or that
// nothing is left.
func NewComponents(presented map[string][]string) (components Components, former *FormerComponents, err error) {
	var check domainerr.Check
	components, former = Components{}, &FormerComponents{All: Components{}, Identifying: Components{}}
	for name, values := range presented {
		kind := Kind(name)
		check.Require(slices.Contains(Kinds(), kind), name, "is not a component kind")
		check.Require(len(values) <= MaxValuesPerKind, name, "has more than 32 values")
		var kept, all, identifying []string
		for _, v := range values {
			check.Require(len(v) <= MaxValueLength, name, "has a value of more than 256 bytes")
			check.Require(!strings.Contains(v, "\x00"), name, "has a value with a zero byte") // which separates values in the fingerprint
			trimmed := strings.ToLower(strings.TrimSpace(v))
			if trimmed != "" {
				all = append(all, trimmed)
			}
			if v = normal(kind, v); identifies(v) {
				kept, identifying = append(kept, v), append(identifying, trimmed)
			}
		}
		components.add(kind, kept)
		former.All.add(kind, all)
		former.Identifying.add(kind, identifying)
	}
	if err := check.Err(); err != nil { // what is wrong with a value says more than that none is left
		return nil, nil, err
	}
	check.Require(len(components) > 0, "", "must hold at least one component that identifies the machine; "+
		"empty values and placeholders, such as \"To be filled by O.E.M.\", do not")
	if err := check.Err(); err != nil {
		return nil, nil, err
	}
	if former.All.Fingerprint() == components.Fingerprint() {
		former = nil
	}
	return components, former, nil
}

// FormerComponents are components as versions before 0.8 spelled them.
type FormerComponents struct {
	All         Components // placeholders included
	Identifying Components // placeholders excluded
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
