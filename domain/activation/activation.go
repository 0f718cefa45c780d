// Package activation is the aggregate of the signed, expiring permission that a bound machine holds.
package activation

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Status is the state of an activation: ACTIVE ⇄ LAPSED, and ENDED from either.
type Status string

// The states of an activation.
const (
	StatusActive Status = "ACTIVE" // holds a seat
	StatusLapsed Status = "LAPSED" // its lease ran out; the seat is free
	StatusEnded  Status = "ENDED"  // over for good
)

// Activation is one machine's permission to run. Its latest grant or renewal determines its certificate.
type Activation struct {
	ID               uuid.UUID
	BindingID        uuid.UUID
	Status           Status
	Fingerprint      machine.Fingerprint
	KeyID            string    // the product key that signs the certificate
	GrantedAt        time.Time // when the activation began
	IssuedAt         time.Time // when the present certificate was issued
	ExpiresAt        time.Time // when the present certificate ends
	CertificateEvent event.Ref // the event that determines the present certificate
	StatusEvent      event.Ref // the event that gave the activation its present status
}

// Apply returns the activation after one of its events.
func (a Activation) Apply(e event.Event) Activation {
	switch happened := e.Payload.(type) {
	case Granted:
		a = Activation{
			ID: happened.ActivationID, BindingID: happened.BindingID, Status: StatusActive,
			Fingerprint: happened.Fingerprint, KeyID: happened.KeyID,
			GrantedAt: happened.GrantedAt, IssuedAt: happened.GrantedAt, ExpiresAt: happened.ExpiresAt,
			CertificateEvent: e.Ref(),
		}
	case Renewed:
		a.Status, a.Fingerprint, a.KeyID = StatusActive, happened.Fingerprint, happened.KeyID
		a.IssuedAt, a.ExpiresAt = happened.RenewedAt, happened.ExpiresAt
		a.CertificateEvent = e.Ref()
	case Lapsed:
		a.Status = StatusLapsed
	case Ended:
		a.Status = StatusEnded
	}
	a.StatusEvent = e.Ref()
	return a
}

// RunsOut reports whether less than half of the permitted time is left.
func (a Activation) RunsOut(now time.Time) bool {
	return a.ExpiresAt.Sub(now)*2 < a.ExpiresAt.Sub(a.IssuedAt)
}
