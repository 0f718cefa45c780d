// Package license is the heart of the ledger: what a licence permits, and to whom.
//
// Three aggregates share one stream, which is their consistency boundary: the [License] itself, the bindings of its
// machines (package binding) and their activations (package activation). A [Stream] is the three folded together; every
// command is decided by it, so a seat can never be given out twice.
package license

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Status is the state of a licence.
type Status string

// The states of a licence. ACTIVE ⇄ SUSPENDED; either may become EXPIRED, which a renewal makes ACTIVE again; REVOKED is final.
const (
	StatusActive    Status = "ACTIVE"
	StatusSuspended Status = "SUSPENDED"
	StatusExpired   Status = "EXPIRED"
	StatusRevoked   Status = "REVOKED"
)

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
	Status        Status
	IssuedAt      time.Time
	ExpiresAt     *time.Time  // nil: perpetual, or not begun yet
	Rebinds       []time.Time // within the policy's window before the latest one
	Decided       event.Ref   // the event that gave the licence its present status
	ExpirySet     event.Ref   // the event that set ExpiresAt
	issued        event.Ref
}

// Customer is who a licence was issued to. It is personal data: events hold it sealed only.
type Customer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Apply returns the licence after one of its events.
func (l License) Apply(e event.Event) License {
	switch happened := e.Payload.(type) {
	case Issued:
		l = License{
			ID: happened.LicenseID, Serial: happened.Serial, ProductID: happened.ProductID, ProductCode: happened.ProductCode,
			PlanID: happened.PlanID, PlanCode: happened.PlanCode, PlanRevision: happened.PlanRevision, Policy: happened.Policy,
			SubjectID: happened.SubjectID, Customer: happened.Customer, Metadata: happened.Metadata,
			KeyGeneration: happened.KeyGeneration, Status: StatusActive,
			IssuedAt: happened.IssuedAt, ExpiresAt: happened.ExpiresAt,
			Decided: e.Ref(), ExpirySet: e.Ref(), issued: e.Ref(),
		}
	case ValidityStarted:
		l.ExpiresAt, l.ExpirySet = &happened.ExpiresAt, e.Ref()
	case Suspended:
		l.Status, l.Decided = StatusSuspended, e.Ref()
	case Reinstated:
		l.Status, l.Decided = StatusActive, e.Ref()
	case Renewed:
		l.ExpiresAt, l.ExpirySet = &happened.ExpiresAt, e.Ref()
		if l.Status == StatusExpired {
			l.Status, l.Decided = StatusActive, e.Ref()
		}
	case Expired:
		l.Status, l.Decided = StatusExpired, e.Ref()
	case Revoked:
		l.Status, l.Decided = StatusRevoked, e.Ref()
	case KeyReissued:
		l.KeyGeneration = happened.Generation
	}
	return l
}

// Permits returns nil while the licence gives the right to activate and validate, and the refusal otherwise.
func (l License) Permits() error {
	switch l.Status {
	case StatusSuspended:
		return ErrSuspended
	case StatusExpired:
		return ErrExpired
	case StatusRevoked:
		return ErrRevoked
	default:
		return nil
	}
}

// until is how long an activation made at now may hold: the policy's term, but never past the licence's expiry.
func (l License) until(now time.Time) time.Time {
	end := now.Add(l.Policy.Term())
	if l.ExpiresAt != nil && l.ExpiresAt.Before(end) {
		return *l.ExpiresAt
	}
	return end
}

// rebound returns the licence after one more rebind, forgetting those that left the window.
func (l License) rebound(at time.Time) License {
	l.Rebinds = append(l.rebindsWithinWindow(at), at)
	return l
}

func (l License) rebindsWithinWindow(now time.Time) []time.Time {
	opened := now.Add(-days(l.Policy.RebindWindowDays))
	first := slices.IndexFunc(l.Rebinds, func(at time.Time) bool { return at.After(opened) })
	if first < 0 {
		return nil
	}
	return slices.Clone(l.Rebinds[first:])
}
