package event

import (
	"fmt"

	"github.com/google/uuid"
)

// UnknownTypeError is an [ErrUnknownType] that says which event it is.
type UnknownTypeError struct {
	Type     Type // the one that is not registered
	ID       uuid.UUID
	Position Position
}

// Error names the event and says what it means.
func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("%v %q at position %d (event %s): a newer version of the program wrote it", ErrUnknownType, e.Type, e.Position, e.ID)
}

// Unwrap returns [ErrUnknownType].
func (*UnknownTypeError) Unwrap() error { return ErrUnknownType }

// Knows returns an [UnknownTypeError] for an event whose type is not registered, nil otherwise.
func (r *Registry) Knows(e Envelope) error {
	if newest, known := r.Newest(e.Type); !known {
		return &UnknownTypeError{Type: newest, ID: e.ID, Position: e.Position}
	}
	return nil
}
