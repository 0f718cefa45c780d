package postgres

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// maxStreamName is how many bytes the name of a stream may have: it must fit into an index entry.
const maxStreamName = 1024

// requireText refuses what a text column cannot hold, before it can fail the batch it would be part of.
func requireText(stream string, events []event.Pending) error {
	if len(stream) > maxStreamName {
		return fmt.Errorf("%w: a stream name of %d bytes, at most %d are allowed", eventstore.ErrInvalidAppend, len(stream), maxStreamName)
	}
	if !isText(stream) {
		return fmt.Errorf("%w: the stream name %q is not text", eventstore.ErrInvalidAppend, stream)
	}
	for i, e := range events {
		for _, s := range [...]string{
			string(e.Type), e.Tenant, e.Actor, e.Correlation, e.Causation, e.CommandID, e.RequestHash,
		} {
			if !isText(s) {
				return fmt.Errorf("%w: type or metadata of event %d is not text", eventstore.ErrInvalidAppend, i)
			}
		}
	}
	return nil
}

// isText tells whether PostgreSQL takes s for text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
