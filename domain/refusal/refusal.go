// Package refusal holds how the domain says no. A refusal is an answer, not a failure: nothing was changed, the code is
// stable, the message says which rule decided and the hint says what to do next.
package refusal

import (
	"errors"
	"fmt"
	"strings"
)

// Refusal is one rule's no. Compare with errors.Is: two refusals are the same when their codes are.
type Refusal struct {
	Code    string // stable, upper case, such as "SEAT_LIMIT_REACHED"
	Message string // what is the matter, for people
	Hint    string // what to do next, for people
}

// New returns a refusal to be declared once, as an exported error of the package whose rule it is.
func New(code, message, hint string) *Refusal {
	return &Refusal{Code: code, Message: message, Hint: hint}
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// Is reports whether target is a refusal with the same code.
func (r *Refusal) Is(target error) bool {
	other, ok := target.(*Refusal)
	return ok && other.Code == r.Code
}

// Because returns the same refusal with a message that fits the case at hand.
func (r *Refusal) Because(format string, args ...any) *Refusal {
	return &Refusal{Code: r.Code, Message: fmt.Sprintf(format, args...), Hint: r.Hint}
}

// Hinting returns the same refusal with a hint that fits the case at hand.
func (r *Refusal) Hinting(hint string) *Refusal {
	return &Refusal{Code: r.Code, Message: r.Message, Hint: hint}
}

// Field is one input value that breaks a rule.
type Field struct {
	Name    string // path in the request, such as "customer.email" or "features.seats"
	Message string // the rule, such as "must be 2 to 64 characters of a-z, 0-9 and -"
}

// Invalid refuses input; every offending field is named.
type Invalid struct{ Fields []Field }

// Error names the fields and their rules.
func (i *Invalid) Error() string {
	parts := make([]string, len(i.Fields))
	for n, f := range i.Fields {
		parts[n] = strings.TrimPrefix(f.Name+" "+f.Message, " ")
	}
	return "invalid request: " + strings.Join(parts, "; ")
}

// Check collects the fields that break a rule while a value is validated.
type Check struct{ fields []Field }

// That records a broken rule unless ok.
func (c *Check) That(ok bool, field, rule string) {
	if !ok {
		c.fields = append(c.fields, Field{Name: field, Message: rule})
	}
}

// Within adds the fields of a nested value's error under a prefix. An error that is not [Invalid] is recorded as it reads.
func (c *Check) Within(prefix string, err error) {
	if err == nil {
		return
	}
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		c.That(false, prefix, err.Error())
		return
	}
	for _, f := range invalid.Fields {
		name := prefix
		if f.Name != "" {
			name = strings.TrimPrefix(prefix+"."+f.Name, ".")
		}
		c.fields = append(c.fields, Field{Name: name, Message: f.Message})
	}
}

// Err returns nil when no rule was broken, and an [Invalid] otherwise.
func (c *Check) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	return &Invalid{Fields: c.fields}
}
