// Package license is the heart of the ledger: what a licence permits, and to whom.
//
// Three aggregates share one stream, which is their consistency boundary: the [License] itself, the bindings of its
// machines (package binding) and their activations (package activation). A [Stream] is the three folded together; every
// command is decided by it, so a seat can never be given out twice.
package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Status is the state of a licence.
type Status string

// The states of a licence. Suspension, expiry and revocation are independent facts, and the gravest that holds is the status:
// REVOKED before SUSPENDED before EXPIRED before ACTIVE. Reinstating ends a suspension, renewing ends an expiry, nothing ends a revocation.
const (
	StatusActive    Status = "ACTIVE"
	StatusSuspended Status = "SUSPENDED"
	StatusExpired   Status = "EXPIRED"
	StatusRevoked   Status = "REVOKED"
)

// Fact is something that holds of a licence from one event on until another event ends it.
type Fact struct {
	Since time.Time
	By    event.Ref // the event that says so; for an expiry that no event says yet, the event that set it
}

// License is the aggregate of the licence itself.
type License struct {
	ID            uuid.UUID
	Serial        Serial
	ProductID     uuid.UUID
	ProductCode   string
	PlanID        uuid.UUID
	PlanCode      string
	PlanRevision  int
	Policy        Policy
	SubjectID     uuid.UUID
	Customer      []byte // a sealed [Customer]
	Metadata      map[string]string
	KeyGeneration uint8
	Suspension    *Fact // nil: not suspended
	Expiry        *Fact // nil: not expired
	Revocation    *Fact // nil: not revoked
	IssuedAt      time.Time
	ExpiresAt     *time.Time  // nil: perpetual, or not begun yet
	Moves         []time.Time // of the customer's, within the policy's window before the latest one
	Daily         Daily
	Activated     event.Ref // the event that made the licence ACTIVE when it last became so
	ExpiryEvent   event.Ref // the event that set ExpiresAt
	issued        event.Ref
}

// Customer is who a licence was issued to. It is personal data: events hold it sealed only.
type Customer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Status returns the gravest of the facts that hold.
func (l License) Status() Status {
	switch {
	case l.Revocation != nil:
		return StatusRevoked
	case l.Suspension != nil:
		return StatusSuspended
	case l.Expiry != nil:
		return StatusExpired
	default:
		return StatusActive
	}
}

// StatusEvent returns the event that decided the status.
func (l License) StatusEvent() event.Ref {
	switch l.Status() {
	case StatusRevoked:
		return l.Revocation.By
	case StatusSuspended:
		return l.Suspension.By
	case StatusExpired:
		return l.Expiry.By
	case StatusActive:
	}
	return l.Activated
}

// Apply returns the licence after one of its events.
func (l License) Apply(e event.Event) License {
	before := l.Status()
	switch happened := e.Payload.(type) {
	case Issued:
		l = License{
			ID: happened.LicenseID, Serial: happened.Serial, ProductID: happened.ProductID, ProductCode: happened.ProductCode,
			PlanID: happened.PlanID, PlanCode: happened.PlanCode, PlanRevision: happened.PlanRevision, Policy: happened.Policy,
			SubjectID: happened.SubjectID, Customer: happened.Customer, Metadata: happened.Metadata,
			KeyGeneration: happened.KeyGeneration,
			IssuedAt:      happened.IssuedAt, ExpiresAt: happened.ExpiresAt,
			Activated: e.Ref(), ExpiryEvent: e.Ref(), issued: e.Ref(),
		}
	case ValidityStarted:
		l.ExpiresAt, l.ExpiryEvent = &happened.ExpiresAt, e.Ref()
	case Suspended:
		l.Suspension = &Fact{Since: happened.SuspendedAt, By: e.Ref()}
	case Reinstated:
		l.Suspension = nil
	case Renewed:
		l.ExpiresAt, l.ExpiryEvent, l.Expiry = &happened.ExpiresAt, e.Ref(), nil
	case Expired:
		l.Expiry = &Fact{Since: happened.ExpiredAt, By: e.Ref()}
		if happened.LiftsSuspension {
			l.Suspension = nil
		}
	case ExpiryUndone:
		l.Expiry = nil
	case Revoked:
		l.Revocation = &Fact{Since: happened.RevokedAt, By: e.Ref()}
	case KeyReissued:
		l.KeyGeneration = happened.Generation
	}
	if before != StatusActive && l.Status() == StatusActive {
		l.Activated = e.Ref()
	}
	return l
}

// Permits returns nil while the licence gives the right to activate and validate, and the refusal otherwise.
func (l License) Permits() error {
	switch l.Status() {
	case StatusSuspended:
		return ErrSuspended
	case StatusExpired:
		return ErrExpired
	case StatusRevoked:
		return ErrRevoked
	case StatusActive:
	}
	return nil
}

// until is how long an activation made at now may hold: the policy's term, but never past the licence's expiry.
func (l License) until(now time.Time) time.Time {
	end := now.Add(l.Policy.Term())
	if l.ExpiresAt != nil && l.ExpiresAt.Before(end) {
		return *l.ExpiresAt
	}
	return end
}
