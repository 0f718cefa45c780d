package commands

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// leftAlone are licences that hold an event which only a newer version of the program knows. This version cannot tell what is due for
// them, however often it tries, so it tries once. The zero value is ready.
type leftAlone struct{ ids map[uuid.UUID]struct{} }

// without returns the others of some licences.
func (l *leftAlone) without(ids []uuid.UUID) []uuid.UUID {
	return slices.DeleteFunc(slices.Clone(ids), func(id uuid.UUID) bool {
		_, left := l.ids[id]
		return left
	})
}

// take leaves the licences alone from now on that failed because of an unknown event, says so in one line, and forgets their failures.
func (l *leftAlone) take(ctx context.Context, logger *slog.Logger, ids []uuid.UUID, failures []error) {
	var first error
	before := len(l.ids)
	for i, err := range failures {
		if !errors.Is(err, event.ErrUnknownType) {
			continue
		}
		if l.ids == nil {
			l.ids = map[uuid.UUID]struct{}{}
		}
		if first == nil {
			first = err
		}
		l.ids[ids[i]], failures[i] = struct{}{}, nil
	}
	if first != nil {
		logger.WarnContext(ctx, "licences hold events of a newer version of the program; until this instance is upgraded, "+
			"what is due for them is left to instances that are", "licenses", len(l.ids)-before, "first", first)
	}
}
