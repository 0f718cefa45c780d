// Package catalog holds what a vendor sells: products, whose keys sign certificates, and plans, whose terms licences pin.
package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/text"
)

// productSpace is the namespace of product ids (RFC 9562, section 5.5).
var productSpace = uuid.MustParse("6f0c1e0a-3a5f-5d0e-9d53-6d0b7d1f4c01")

// ProductID derives a product's id from its code, so that a code is unique within a tenant without any index.
func ProductID(tenant, code string) uuid.UUID {
	return uuid.NewSHA1(productSpace, []byte(tenant+"\x00"+code))
}

const productPrefix aggregate.Prefix = "product-"

// ProductAggregate defines the product.
func ProductAggregate() aggregate.Definition[Product] {
	return aggregate.Definition[Product]{Prefix: productPrefix, Fold: FoldProduct, NotFound: ErrProductNotFound}
}

// ProductStream names a product's stream.
func ProductStream(id uuid.UUID) string { return productPrefix.Stream(id) }

// Product is a piece of software that licences are sold for. A nil Product is one that does not exist.
type Product struct {
	stream                event.StreamState
	ID                    uuid.UUID
	Code                  string
	Name                  string
	Platforms             []string
	OfflineDays           int
	MaxMachinesPerLicense *int
	SigningKeys           []SigningKey // oldest first; the last one signs
	RegisteredAt          time.Time
}

// StreamState returns how far the product was read.
func (p *Product) StreamState() event.StreamState {
	if p == nil {
		return event.StreamState{}
	}
	return p.stream
}

// SigningKey returns the key that signs today.
func (p *Product) SigningKey() SigningKey { return p.SigningKeys[len(p.SigningKeys)-1] }

// FoldProduct returns the product after further events. The given one is left as it is.
func FoldProduct(p *Product, events ...event.Event) (*Product, error) {
	next := &Product{}
	if p != nil {
		*next = *p
	}
	for _, e := range events {
		switch happened := e.Payload.(type) {
		case ProductRegistered:
			next.ID, next.Code, next.Name = happened.ProductID, happened.Code, happened.Name
			next.Platforms, next.OfflineDays = happened.Platforms, happened.OfflineDays
			next.MaxMachinesPerLicense = happened.MaxMachinesPerLicense
			next.SigningKeys = []SigningKey{happened.SigningKey}
			next.RegisteredAt = happened.RegisteredAt
		case ProductSigningKeyRotated:
			next.SigningKeys = append(slices.Clip(next.SigningKeys), happened.SigningKey)
		default:
			return nil, fmt.Errorf("%s does not belong in the stream of a product (position %d)", e.Type, e.Position)
		}
		next.stream = next.stream.Advance(e)
	}
	return next, nil
}

// RegisterProduct puts a new product into the catalogue. It signs with the given key.
type RegisterProduct struct {
	Code                  string
	Name                  string
	Platforms             []string // such as "linux/amd64"; what the product runs on, for people
	OfflineDays           int
	MaxMachinesPerLicense *int
}

// The bounds of a product's platforms.
const (
	MaxPlatforms      = 32
	MaxPlatformLength = 64 // characters
)

// MaxReasonLength bounds why a signing key was rotated, in characters.
const MaxReasonLength = 500

// Validate checks every value against its bounds. The error is a [domainerr.Invalid].
func (c RegisterProduct) Validate() error {
	var check domainerr.Check
	check.Require(codePattern.MatchString(c.Code), "code", codeRule)
	check.Require(validName(c.Name), "name", nameRule)
	check.Require(text.Visible(c.Name), "name", text.Rule)
	check.Require(within(c.OfflineDays, 1, MaxDays), "offline_days", "must be 1 to 36500")
	check.Require(c.MaxMachinesPerLicense == nil || within(*c.MaxMachinesPerLicense, 1, MaxMachines), "max_machines_per_license",
		"must be 1 to 1000000")
	check.Require(len(c.Platforms) <= MaxPlatforms, "platforms", "must be at most 32")
	for _, platform := range c.Platforms {
		check.Require(text.Visible(platform), "platforms", text.Rule)
		check.Require(strings.TrimSpace(platform) != "" && bounded(platform, MaxPlatformLength), "platforms", "must be 1 to 64 characters each")
	}
	return check.Err()
}

// Register decides on a new product that signs with key.
func (p *Product) Register(tenant string, c RegisterProduct, key SigningKey, now time.Time) ([]event.Payload, error) {
	if p != nil {
		return nil, ErrProductCodeTaken.WithMessage("a product with the code %q exists already", c.Code)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return []event.Payload{ProductRegistered{
		ProductID:             ProductID(tenant, c.Code),
		Code:                  c.Code,
		Name:                  c.Name,
		Platforms:             c.Platforms,
		OfflineDays:           c.OfflineDays,
		MaxMachinesPerLicense: c.MaxMachinesPerLicense,
		SigningKey:            key,
		RegisteredAt:          now,
	}}, nil
}

// ValidateReason checks why a signing key is rotated. The error is a [domainerr.Invalid].
func ValidateReason(reason string) error {
	var check domainerr.Check
	check.Require(strings.TrimSpace(reason) != "" && bounded(reason, MaxReasonLength), "reason", "must be 1 to 500 characters")
	check.Require(text.VisibleLines(reason), "reason", text.Rule)
	return check.Err()
}

// RotateSigningKey decides that key signs from now on.
func (p *Product) RotateSigningKey(key SigningKey, reason string, now time.Time) ([]event.Payload, error) {
	if p == nil {
		return nil, ErrProductNotFound
	}
	if err := ValidateReason(reason); err != nil {
		return nil, err
	}
	return []event.Payload{ProductSigningKeyRotated{
		SigningKey:    key,
		PreviousKeyID: p.SigningKey().ID,
		Reason:        reason,
		RotatedAt:     now,
	}}, nil
}
