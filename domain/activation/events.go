package activation

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// The activation's events. The wire names are permanent.
const (
	GrantedType event.Type = "activation.granted.v1"
	RenewedType event.Type = "activation.renewed.v1"
	LapsedType  event.Type = "activation.lapsed.v1"
	EndedType   event.Type = "activation.ended.v1"
)

// Granted permits a bound machine to run until ExpiresAt. Together with its position it determines the certificate.
type Granted struct {
	ActivationID uuid.UUID           `json:"activation_id"`
	BindingID    uuid.UUID           `json:"binding_id"`
	Fingerprint  machine.Fingerprint `json:"fingerprint"`
	KeyID        string              `json:"key_id"`             // the product key that signs the certificate
	Floating     bool                `json:"floating,omitempty"` // a lease: it lapses at ExpiresAt and frees its seat
	GrantedAt    time.Time           `json:"granted_at"`
	ExpiresAt    time.Time           `json:"expires_at"`
}

// Renewed extends an activation and determines a new certificate. A lapsed activation takes a seat again with it.
type Renewed struct {
	ActivationID uuid.UUID           `json:"activation_id"`
	BindingID    uuid.UUID           `json:"binding_id"`
	Fingerprint  machine.Fingerprint `json:"fingerprint"`
	KeyID        string              `json:"key_id"`
	SeatsUsed    int                 `json:"seats_used"`         // of the licence, after this event
	Floating     bool                `json:"floating,omitempty"` // a lease: it lapses at ExpiresAt and frees its seat
	RenewedAt    time.Time           `json:"renewed_at"`
	ExpiresAt    time.Time           `json:"expires_at"`
}

// Lapsed says that heartbeats stopped and the lease ran out; the seat is free.
type Lapsed struct {
	ActivationID uuid.UUID `json:"activation_id"`
	BindingID    uuid.UUID `json:"binding_id"`
	SeatsUsed    int       `json:"seats_used"` // of the licence, after this event
	LapsedAt     time.Time `json:"lapsed_at"`  // when the lease ran out
}

// Ended ends an activation for good.
type Ended struct {
	ActivationID uuid.UUID `json:"activation_id"`
	BindingID    uuid.UUID `json:"binding_id"`
	Reason       string    `json:"reason"`
	EndedAt      time.Time `json:"ended_at"`
}

// EventType implements [event.Payload].
func (Granted) EventType() event.Type { return GrantedType }

// EventType implements [event.Payload].
func (Renewed) EventType() event.Type { return RenewedType }

// EventType implements [event.Payload].
func (Lapsed) EventType() event.Type { return LapsedType }

// EventType implements [event.Payload].
func (Ended) EventType() event.Type { return EndedType }

// TimeDriven implements [event.TimeDriven].
func (Lapsed) TimeDriven() {}

// Events registers the activation's events.
func Events() []event.Registration {
	return []event.Registration{
		event.Of[Granted](),
		event.Of[Renewed](),
		event.Of[Lapsed](),
		event.Of[Ended](),
	}
}
