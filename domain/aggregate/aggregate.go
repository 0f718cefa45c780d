// Package aggregate defines a kind of aggregate in one place. Everything that depends on the kind derives from its [Definition]: the
// names of its streams, the id in such a name, how it is folded and how it is refused.
package aggregate

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Definition is one kind of aggregate, with states of type T. A nil *T is an aggregate that does not exist.
type Definition[T any] struct {
	// Prefix begins the names of the aggregate's streams. No two kinds share one.
	Prefix Prefix
	// Fold returns the state after further events. It leaves the given state as it is.
	Fold func(state *T, events ...event.Event) (*T, error)
	// NotFound refuses an aggregate that does not exist, or that belongs to another tenant.
	NotFound error
	// ResetsTime are the types of events that may be recorded at an earlier time than the event before them in the ledger: they say that
	// the clock was wrong then and is right now.
	ResetsTime []event.Type
}

// Prefix begins the names of the streams of one kind of aggregate, such as "license-". The rest of a name is the aggregate's id.
//
// Ids are UUIDs in their canonical form, which always has the same length. So a name has one prefix and one id only, and no two
// prefixes can be confused, even where one begins with the other: "api-key-<uuid>" is no name under "api-".
type Prefix string

// idLength is how many bytes a UUID has in its canonical form (RFC 9562, section 4).
const idLength = 36

// wellFormed keeps to what every event store takes for a name. EventStoreDB reserves names that begin with "$".
var wellFormed = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*-$`)

// Validate returns an error unless the prefix consists of words of lower-case letters and digits, each followed by a dash.
func (p Prefix) Validate() error {
	if !wellFormed.MatchString(string(p)) {
		return fmt.Errorf("the stream prefix %q is not words of a-z and 0-9, each followed by a dash", string(p))
	}
	return nil
}

// Stream returns the name of an aggregate's stream.
func (p Prefix) Stream(id uuid.UUID) string { return string(p) + id.String() }

// ID returns the id in the name of a stream. ok is false when the stream is of another kind.
func (p Prefix) ID(stream string) (id uuid.UUID, ok bool) {
	prefix, id, ok := Split(stream)
	return id, ok && prefix == p
}

// Split takes the name of a stream apart. ok is false when the name does not end with a UUID in its canonical form.
func Split(stream string) (prefix Prefix, id uuid.UUID, ok bool) {
	at := len(stream) - idLength
	if at < 0 {
		return "", uuid.UUID{}, false
	}
	text := stream[at:]
	id, err := uuid.Parse(text)
	if err != nil || strings.ToLower(text) != text { // of this length, only capitals are not canonical
		return "", uuid.UUID{}, false
	}
	return Prefix(stream[:at]), id, true
}
