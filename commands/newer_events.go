package commands

import (
	"errors"

	"github.com/licenseledger/licenseledger/domain/event"
)

// decode decodes an event, and remembers one that only a newer version of the program knows.
func (l *ledger) decode(e event.Envelope) (event.Event, error) {
	decoded, err := l.events.Decode(e)
	var unknown *event.UnknownTypeError
	if errors.As(err, &unknown) {
		l.newest.Store(unknown)
	}
	return decoded, err
}

// notice remembers the events that only a newer version of the program knows.
func (l *ledger) notice(together []event.Envelope) {
	for _, e := range together {
		var unknown *event.UnknownTypeError
		if errors.As(l.events.Knows(e), &unknown) {
			l.newest.Store(unknown)
		}
	}
}

// Newer returns the event of a newer version of the program that this handler met last, nil while it has met none. Commands on what such
// an event belongs to fail with it.
func (h *Handler) Newer() *event.UnknownTypeError { return h.licenses.newest.Load() }
