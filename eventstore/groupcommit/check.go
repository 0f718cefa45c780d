package groupcommit

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/eventstore"
)

// check refuses what [eventstore.ErrInvalidAppend] describes.
func (a Append) check() error {
	switch n := len(a.Events); {
	case a.Stream == "":
		return fmt.Errorf("%w: no stream name", eventstore.ErrInvalidAppend)
	case n == 0:
		return fmt.Errorf("%w: no events", eventstore.ErrInvalidAppend)
	case n > eventstore.MaxEventsPerAppend:
		return fmt.Errorf("%w: %d events, at most %d are allowed", eventstore.ErrInvalidAppend, n, eventstore.MaxEventsPerAppend)
	}
	for i, e := range a.Events {
		switch {
		case e.ID == uuid.Nil:
			return fmt.Errorf("%w: event %d has no id", eventstore.ErrInvalidAppend, i)
		case e.Type == "":
			return fmt.Errorf("%w: event %d has no type", eventstore.ErrInvalidAppend, i)
		}
	}
	return nil
}
