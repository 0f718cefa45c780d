package catalog

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// The catalogue's events. The wire names are permanent.
const (
	ProductRegisteredType        event.Type = "product.registered.v1"
	ProductSigningKeyRotatedType event.Type = "product.signing_key_rotated.v1"
	PlanPublishedType            event.Type = "plan.published.v1"
	PlanRevisedType              event.Type = "plan.revised.v1"
)

// ProductRegistered opens the stream of a product.
type ProductRegistered struct {
	ProductID             uuid.UUID  `json:"product_id"`
	Code                  string     `json:"code"`
	Name                  string     `json:"name"`
	Platforms             []string   `json:"platforms,omitempty"`
	OfflineDays           int        `json:"offline_days"`
	MaxMachinesPerLicense *int       `json:"max_machines_per_license,omitempty"`
	SigningKey            SigningKey `json:"signing_key"`
	RegisteredAt          time.Time  `json:"registered_at"`
}

// ProductSigningKeyRotated makes a new key the one that signs; the keys before it stay good for verifying.
type ProductSigningKeyRotated struct {
	SigningKey    SigningKey `json:"signing_key"`
	PreviousKeyID string     `json:"previous_key_id"`
	Reason        string     `json:"reason,omitempty"`
	RotatedAt     time.Time  `json:"rotated_at"`
}

// PlanPublished opens the stream of a plan with its first revision.
type PlanPublished struct {
	PlanID      uuid.UUID `json:"plan_id"`
	ProductID   uuid.UUID `json:"product_id"`
	Code        string    `json:"code"`
	Terms       Terms     `json:"terms"`
	PublishedAt time.Time `json:"published_at"`
}

// PlanRevised replaces a plan's terms for licences issued from then on.
type PlanRevised struct {
	PlanRevision int       `json:"plan_revision"` // 2 for the first revision after publication
	Terms        Terms     `json:"terms"`
	RevisedAt    time.Time `json:"revised_at"`
}

// EventType implements [event.Payload].
func (ProductRegistered) EventType() event.Type { return ProductRegisteredType }

// EventType implements [event.Payload].
func (ProductSigningKeyRotated) EventType() event.Type { return ProductSigningKeyRotatedType }

// EventType implements [event.Payload].
func (PlanPublished) EventType() event.Type { return PlanPublishedType }

// EventType implements [event.Payload].
func (PlanRevised) EventType() event.Type { return PlanRevisedType }

// Events registers the catalogue's events.
func Events() []event.Registration {
	return []event.Registration{
		event.Of[ProductRegistered](),
		event.Of[ProductSigningKeyRotated](),
		event.Of[PlanPublished](),
		event.Of[PlanRevised](),
	}
}
