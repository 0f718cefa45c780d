package linearizability_test

import (
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/anishathalye/porcupine"
)

const (
	seats    = 2 // of every licence
	machines = 5 // that want one
)

// What can be asked for.
const (
	activate   = "activate"
	deactivate = "deactivate"
	validate   = "validate"
	suspend    = "suspend"
	reinstate  = "reinstate"
	revoke     = "revoke"
)

// What can be answered, beside the codes of refusals and verdicts.
const (
	granted = "GRANTED" // a seat was taken
	stands  = "STANDS"  // the machine had its seat already
	done    = "DONE"
	lost    = "" // nobody knows
)

// question is what a client asks of a licence.
type question struct {
	license    int
	what       string
	machine    int    // to activate, deactivate or validate
	activation string // to deactivate
}

// answer is what a client got.
type answer struct {
	code       string
	activation string // the machine's, when granted or standing
	used       int    // seats taken afterwards; unknownSeats in a refusal
}

// unknownSeats stands for the seats in an answer that has no number of them.
const unknownSeats = -1

// state is a licence. It is comparable.
type state struct {
	status string
	held   [machines]string // the activation of each machine, empty when it has no seat
}

// unnamed is an activation that was granted without the client learning of it.
const unnamed = "?"

func (s state) used() int {
	n := 0
	for _, activation := range s.held {
		if activation != "" {
			n++
		}
	}
	return n
}

// reaction is what a licence may do about a question.
type reaction struct {
	code string
	next state
}

// reactions are those that the rules allow. There is one, unless an activation that no client knows may be the one asked about.
func (s state) reactions(q question) []reaction {
	next := s
	switch q.what {
	case activate:
		switch {
		case s.status != "ACTIVE":
			return []reaction{{"LICENSE_" + s.status, s}}
		case s.held[q.machine] != "":
			return []reaction{{stands, s}}
		case s.used() == seats:
			return []reaction{{"SEAT_LIMIT_REACHED", s}}
		}
		next.held[q.machine] = unnamed
		return []reaction{{granted, next}}
	case deactivate:
		next.held[q.machine] = ""
		released, unknown := reaction{done, next}, reaction{"NOT_FOUND", s}
		switch s.held[q.machine] {
		case q.activation:
			return []reaction{released}
		case unnamed:
			return []reaction{released, unknown}
		}
		return []reaction{unknown}
	case validate:
		return []reaction{{s.verdict(q.machine), s}}
	}
	return []reaction{s.administered(q.what)}
}

func (s state) verdict(machine int) string {
	switch {
	case s.status != "ACTIVE":
		return "LICENSE_" + s.status
	case s.held[machine] != "":
		return "VALID"
	case s.used() == 0:
		return "NOT_ACTIVATED"
	}
	return "FINGERPRINT_MISMATCH"
}

func (s state) administered(what string) reaction {
	next := s
	switch {
	case what == suspend && s.status == "ACTIVE":
		next.status = "SUSPENDED"
	case what == reinstate && s.status == "SUSPENDED":
		next.status = "ACTIVE"
	case what == revoke && s.status != "REVOKED":
		next.status = "REVOKED"
	default:
		return reaction{"INVALID_TRANSITION", s}
	}
	return reaction{done, next}
}

// after is the state that a reaction leaves when the answer was given to it; false when it would have been another answer.
func (r reaction) after(q question, a answer) (state, bool) {
	if a.code == lost {
		return r.next, true
	}
	if a.code != r.code || a.used != unknownSeats && a.used != r.next.used() {
		return state{}, false
	}
	if a.activation != "" {
		if known := r.next.held[q.machine]; known != unnamed && known != a.activation {
			return state{}, false
		}
		r.next.held[q.machine] = a.activation
	}
	return r.next, true
}

// model tells porcupine the rules of a licence. Each licence has a history of its own.
func model() porcupine.Model {
	seed := maphash.MakeSeed()
	rules := porcupine.NondeterministicModel{
		Partition: byLicense,
		Init:      func() []any { return []any{state{status: "ACTIVE"}} },
		Step: func(before, input, output any) []any {
			var possible []any
			q, a := input.(question), output.(answer)
			for _, r := range before.(state).reactions(q) {
				if next, ok := r.after(q, a); ok {
					possible = append(possible, next)
				}
			}
			return possible
		},
		Hash:              func(s any) uint64 { return maphash.Comparable(seed, s.(state)) },
		DescribeOperation: func(input, output any) string { return describe(input.(question), output.(answer)) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%s %.8q", s.(state).status, s.(state).held) },
	}
	return rules.ToModel()
}

func byLicense(history []porcupine.Operation) [][]porcupine.Operation {
	var parts [][]porcupine.Operation
	for _, o := range history {
		l := o.Input.(question).license
		for len(parts) <= l {
			parts = append(parts, nil)
		}
		parts[l] = append(parts[l], o)
	}
	return parts
}

func describe(q question, a answer) string {
	var text strings.Builder
	text.WriteString(q.what)
	switch q.what {
	case activate, validate:
		fmt.Fprintf(&text, " machine %d", q.machine)
	case deactivate:
		fmt.Fprintf(&text, " machine %d (%.8s)", q.machine, q.activation)
	}
	if a.code == lost {
		return text.String() + ": no answer"
	}
	fmt.Fprintf(&text, ": %s %.8s", a.code, a.activation)
	if a.used != unknownSeats {
		fmt.Fprintf(&text, ", %d used", a.used)
	}
	return text.String()
}
