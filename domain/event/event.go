// Package event holds what every event of the ledger has in common: the envelope it is stored in, the registry
// that turns stored bytes back into domain values, and the upcasters that keep old bytes readable.
//
// The stored bytes are never rewritten. A payload type keeps its wire name for good; an optional field may be added
// to it, and any other change is a new version with an upcaster (see [Registry]).
package event

import (
	"time"

	"github.com/google/uuid"
)

// Type is the permanent wire name of a kind of event, such as "license.issued.v1".
type Type string

// Payload is what happened, as a domain value. Its exported fields are its JSON form in the ledger.
type Payload interface {
	// EventType is the wire name under which the payload is stored.
	EventType() Type
}

// TimeDriven marks what the passage of time brings about, whoever's command it is recorded with.
type TimeDriven interface {
	Payload
	// TimeDriven does nothing.
	TimeDriven()
}

// Position is a place in the ledger. Positions are comparable and grow in commit order; 0 is before the first event.
// On SQL engines they are dense (1, 2, 3 …). Treat the value as opaque.
type Position uint64

// Revision is a place in one stream: the first event has revision 1. As an expectation, 0 says "no such stream yet".
type Revision uint64

// Metadata says on whose behalf and through which command an event came to be.
type Metadata struct {
	Tenant      string // the vendor whose ledger this is
	Actor       string // who did it, such as "admin", "machine" or "system"
	Correlation string // one request and everything that followed from it
	Causation   string // the message that directly caused the event
	CommandID   string // a keyed hash of the command's Idempotency-Key, or an id made for it; unique within a stream
	RequestHash string // a keyed hash of the command's request; empty when the client sent no Idempotency-Key
}

// Pending is an event that is decided but not yet in the ledger.
type Pending struct {
	ID         uuid.UUID // UUIDv7; appending the same id again at the same revision is the same append
	Type       Type
	RecordedAt time.Time // UTC, whole microseconds
	Metadata
	Data []byte // the payload as JSON, byte for byte as stored
}

// Envelope is an event as the ledger holds it.
type Envelope struct {
	Position Position
	Stream   string
	Revision Revision
	Pending
}

// Event is an envelope together with its decoded payload.
type Event struct {
	Envelope
	Payload Payload
}
