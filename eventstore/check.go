package eventstore

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// maxStreamName is how many bytes the name of a stream may have: it must fit into an index entry of every engine.
const maxStreamName = 1024

// Check refuses an append without events, names or ids, or with too many events, as [ErrInvalidAppend] describes.
func Check(stream string, events []event.Pending) error {
	switch n := len(events); {
	case stream == "":
		return fmt.Errorf("%w: no stream name", ErrInvalidAppend)
	case n == 0:
		return fmt.Errorf("%w: no events", ErrInvalidAppend)
	case n > MaxEventsPerAppend:
		return fmt.Errorf("%w: %d events, at most %d are allowed", ErrInvalidAppend, n, MaxEventsPerAppend)
	}
	for i, e := range events {
		switch {
		case e.ID == uuid.Nil:
			return fmt.Errorf("%w: event %d has no id", ErrInvalidAppend, i)
		case e.Type == "":
			return fmt.Errorf("%w: event %d has no type", ErrInvalidAppend, i)
		}
	}
	return nil
}

// CheckText refuses an append whose names and metadata are more than every engine takes: text in UTF-8 without zero bytes.
func CheckText(stream string, events []event.Pending) error {
	if len(stream) > maxStreamName {
		return fmt.Errorf("%w: a stream name of %d bytes, at most %d are allowed", ErrInvalidAppend, len(stream), maxStreamName)
	}
	if !IsText(stream) {
		return fmt.Errorf("%w: the stream name %q is not text", ErrInvalidAppend, stream)
	}
	for i, e := range events {
		for _, s := range [...]string{
			string(e.Type), e.Tenant, e.Actor, e.Correlation, e.Causation, e.CommandID, e.RequestHash,
		} {
			if !IsText(s) {
				return fmt.Errorf("%w: type or metadata of event %d is not text", ErrInvalidAppend, i)
			}
		}
	}
	return nil
}

// IsText reports whether every engine takes s as text: UTF-8 without zero bytes.
func IsText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
