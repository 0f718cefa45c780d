// Package hint has errors that say what to do about them.
package hint

import (
	"errors"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/migrations"
)

// NewerVersion is what to do about data that a newer version of the program wrote.
const NewerVersion = "use the version of the program that wrote it, or a later one; to go back to this one, restore the backup made " +
	"before the upgrade (docs/upgrading.md)"

// ErrReported marks a failure that was printed already.
var ErrReported = errors.New("reported")

// Error is an error with a hint: what the user can do about it.
type Error struct {
	error
	hint string
}

// New adds a hint to an error.
func New(err error, hint string) error { return &Error{err, hint} }

// Default adds a hint to an error that has none. It returns nil for nil.
func Default(err error, hint string) error {
	if err == nil || Of(err) != "" {
		return err
	}
	return New(err, hint)
}

// Unwrap implements [errors.Unwrap].
func (e *Error) Unwrap() error { return e.error }

// Of returns the hint of an error; empty if there is none.
func Of(err error) string {
	if errors.Is(err, migrations.ErrNewerDatabase) || errors.Is(err, event.ErrUnknownType) {
		return NewerVersion
	}
	if hinted, ok := errors.AsType[*Error](err); ok {
		return hinted.hint
	}
	return ""
}
