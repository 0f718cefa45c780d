// Package domainerr holds the errors of the domain: commands that a rule refuses. Such an error is an answer, not a failure. It changed
// nothing, its code is stable, its message says what is wrong and its hint says what to do next.
package domainerr

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a refused command. Compare with errors.Is: two errors are the same when their codes are.
type Error struct {
	Code    string // stable, upper case, such as "SEAT_LIMIT_REACHED"
	Message string // what is wrong, for people
	Hint    string // what to do next, for people
}

// New returns an error to be declared once, as an exported variable of the package whose rule it is.
func New(code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint}
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Is reports whether target is an [Error] with the same code.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// WithMessage returns a copy of the error whose message is made from format and args.
func (e *Error) WithMessage(format string, args ...any) *Error {
	return &Error{Code: e.Code, Message: fmt.Sprintf(format, args...), Hint: e.Hint}
}

// WithHint returns a copy of the error with another hint.
func (e *Error) WithHint(hint string) *Error {
	return &Error{Code: e.Code, Message: e.Message, Hint: hint}
}

// Field is one input value that breaks a rule.
type Field struct {
	Name    string // path in the request, such as "customer.email" or "features.seats"
	Message string // the rule, such as "must be 2 to 64 characters of a-z, 0-9 and -"
}

// Invalid is input that breaks rules. It names every field that does.
type Invalid struct{ Fields []Field }

// Error names the fields and their rules.
func (i *Invalid) Error() string {
	parts := make([]string, len(i.Fields))
	for n, f := range i.Fields {
		parts[n] = strings.TrimPrefix(f.Name+" "+f.Message, " ")
	}
	return "invalid request: " + strings.Join(parts, "; ")
}

// Check collects the fields of a value that break a rule.
type Check struct{ fields []Field }

// Require records a broken rule unless ok.
func (c *Check) Require(ok bool, field, rule string) {
	if !ok {
		c.fields = append(c.fields, Field{Name: field, Message: rule})
	}
}

// Nested adds the fields of a nested value's error under a prefix. An error that is not [Invalid] is recorded as it reads.
func (c *Check) Nested(prefix string, err error) {
	if err == nil {
		return
	}
	var invalid *Invalid
	if !errors.As(err, &invalid) {
		c.Require(false, prefix, err.Error())
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
