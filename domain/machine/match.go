package machine

import (
	"fmt"
	"slices"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// Hashes are a machine's components as the ledger keeps them: keyed hashes, equal when the component is, telling nothing
// about it without the key.
type Hashes map[Kind][]string

// Machine is a computer that asks for a seat, already reduced to what may be stored.
type Machine struct {
	Fingerprint Fingerprint
	Hashes      Hashes // empty when the machine presented a ready fingerprint only
	OS          string // such as "linux/amd64"; may be empty
	Name        []byte // host name, sealed with the key of the licence's subject; may be empty
	// Former returns how a version before 0.8 identified the same machine, which may be bound under that identity. Only a machine that
	// presents itself has it, and only if the identity is another one. It is asked for only if the machine is not known by the present one.
	Former func() Former `json:"-"`
}

// Former is how a version before 0.8 identified a machine.
type Former struct {
	Fingerprint Fingerprint
	Hashes      Hashes // placeholders included
	Identifying Hashes // placeholders excluded
}

// Match says how much of a machine's hardware must be unchanged for it to count as the same machine.
type Match string

// The match policies.
const (
	MatchAny  Match = "ANY"  // one component
	MatchTwo  Match = "TWO"  // two components
	MatchMost Match = "MOST" // more than half of the components
	MatchAll  Match = "ALL"  // every component
)

// ParseMatch reads a match policy. The error is a [domainerr.Invalid].
func ParseMatch(s string) (Match, error) {
	if m := Match(s); slices.Contains([]Match{MatchAny, MatchTwo, MatchMost, MatchAll}, m) {
		return m, nil
	}
	return "", &domainerr.Invalid{Fields: []domainerr.Field{{Message: "must be ANY, TWO, MOST or ALL"}}}
}

// Score compares a machine's recorded components with those it presents now.
type Score struct {
	Matched int    // kinds that share a value
	Of      int    // kinds compared: those known on either side
	Changed []Kind // kinds whose values are not the same any more, in canonical order
}

// String returns the score as "matched/of".
func (s Score) String() string { return fmt.Sprintf("%d/%d", s.Matched, s.Of) }

// Compare scores presented components against recorded ones. A kind matches when the two sides share a value, so a machine
// keeps its network identity when one of several cards is replaced. A kind known on one side only does not match.
func Compare(recorded, presented Hashes) Score {
	var score Score
	for _, kind := range Kinds() {
		was, is := recorded[kind], presented[kind]
		if len(was) == 0 && len(is) == 0 {
			continue
		}
		score.Of++
		if slices.ContainsFunc(is, func(v string) bool { return slices.Contains(was, v) }) {
			score.Matched++
		}
		if !slices.Equal(was, is) {
			score.Changed = append(score.Changed, kind)
		}
	}
	return score
}

// Accepts reports whether a score is enough to call it the same machine.
func (m Match) Accepts(s Score) bool {
	switch m {
	case MatchAny:
		return s.Matched >= 1
	case MatchTwo:
		return s.Matched >= 2
	case MatchMost:
		return s.Matched*2 > s.Of
	case MatchAll:
		return s.Of > 0 && s.Matched == s.Of
	default:
		return false
	}
}
