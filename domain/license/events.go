package license

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// The licence's own events. The wire names are permanent.
const (
	IssuedType          event.Type = "license.issued.v1"
	ValidityStartedType event.Type = "license.validity_started.v1"
	SuspendedType       event.Type = "license.suspended.v1"
	ReinstatedType      event.Type = "license.reinstated.v1"
	RenewedType         event.Type = "license.renewed.v1"
	ExpiredType         event.Type = "license.expired.v2"
	ExpiryUndoneType    event.Type = "license.expiry_undone.v1"
	RevokedType         event.Type = "license.revoked.v1"
	KeyReissuedType     event.Type = "license.key_reissued.v1"
)

// Issued opens the stream of a licence. It carries everything the licence lives by, so that later changes of plan or
// product never change what was promised.
type Issued struct {
	LicenseID     uuid.UUID         `json:"license_id"`
	Serial        Serial            `json:"serial"`
	ProductID     uuid.UUID         `json:"product_id"`
	ProductCode   string            `json:"product_code"`
	PlanID        uuid.UUID         `json:"plan_id"`
	PlanCode      string            `json:"plan_code"`
	PlanRevision  int               `json:"plan_revision"`
	Policy        Policy            `json:"policy"`
	SubjectID     uuid.UUID         `json:"subject_id"`
	Customer      []byte            `json:"customer"` // a sealed [Customer]
	Metadata      map[string]string `json:"metadata,omitempty"`
	KeyGeneration uint8             `json:"key_generation"`
	IssuedAt      time.Time         `json:"issued_at"`
	ExpiresAt     *time.Time        `json:"expires_at,omitempty"` // nil: perpetual, or not begun yet
}

// ValidityStarted sets the expiry of a licence whose validity begins with its first activation.
type ValidityStarted struct {
	StartedAt time.Time `json:"started_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Suspended takes the right to activate and validate away for a while.
type Suspended struct {
	Reason      string    `json:"reason"`
	SuspendedAt time.Time `json:"suspended_at"`
}

// Reinstated gives a suspended licence its rights back.
type Reinstated struct {
	Reason       string    `json:"reason"`
	ReinstatedAt time.Time `json:"reinstated_at"`
}

// Renewed moves the expiry of a licence and ends its expiry, if it had expired.
type Renewed struct {
	Reason            string     `json:"reason"`
	PreviousExpiresAt *time.Time `json:"previous_expires_at,omitempty"`
	ExpiresAt         time.Time  `json:"expires_at"`
	RenewedAt         time.Time  `json:"renewed_at"`
}

// Revoked ends a licence for good.
type Revoked struct {
	Reason    string    `json:"reason"`
	RevokedAt time.Time `json:"revoked_at"`
}

// KeyReissued makes all licence keys before the given generation useless.
type KeyReissued struct {
	Reason     string    `json:"reason"`
	Generation uint8     `json:"generation"`
	ReissuedAt time.Time `json:"reissued_at"`
}

// EventType implements [event.Payload].
func (Issued) EventType() event.Type { return IssuedType }

// EventType implements [event.Payload].
func (ValidityStarted) EventType() event.Type { return ValidityStartedType }

// EventType implements [event.Payload].
func (Suspended) EventType() event.Type { return SuspendedType }

// EventType implements [event.Payload].
func (Reinstated) EventType() event.Type { return ReinstatedType }

// EventType implements [event.Payload].
func (Renewed) EventType() event.Type { return RenewedType }

// EventType implements [event.Payload].
func (Revoked) EventType() event.Type { return RevokedType }

// EventType implements [event.Payload].
func (KeyReissued) EventType() event.Type { return KeyReissuedType }

// Events registers the licence's events.
func Events() []event.Registration {
	return []event.Registration{
		event.Of[Issued](),
		event.Of[ValidityStarted](),
		event.Of[Suspended](),
		event.Of[Reinstated](),
		event.Of[Renewed](),
		event.Of[Expired](),
		event.Superseded(expiredV1Type, ExpiredType, upcastExpiredV1),
		event.Of[ExpiryUndone](),
		event.Of[Revoked](),
		event.Of[KeyReissued](),
	}
}
