package store

import (
	"fmt"
	"slices"
)

// ErrHalted says that a projection has failed before the position that is waited for. It is an [ErrNotReached].
var ErrHalted = fmt.Errorf("%w: the projection has failed", ErrNotReached)

// place is where a projection stands, as the database says.
type place struct {
	Checkpoint
	failed bool
}

func scanPlace(r Row) (at place, err error) {
	var state string
	err = r.Scan(&at.Name, &at.Generation, &at.Position, &state)
	at.failed = state == StateFailed
	return at, err
}

// halted returns ErrHalted if one of the named projections has failed before a position.
func halted(places []place, names []string, position uint64) error {
	for _, at := range places {
		if at.failed && at.Position < position && slices.Contains(names, at.Name) {
			return fmt.Errorf("%w: %s stands at position %d", ErrHalted, at.Name, at.Position)
		}
	}
	return nil
}
