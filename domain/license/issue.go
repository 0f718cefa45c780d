package license

import (
	"net/mail"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/text"
)

// The bounds of what is issued.
const (
	MaxMetadata       = 64
	MaxMetadataKey    = 64   // bytes
	MaxMetadataValue  = 1024 // characters
	MaxEmailLength    = 254  // bytes (RFC 5321, section 4.5.3.1.3)
	MaxCustomerLength = 200  // characters
	MaxReasonLength   = 500  // characters
)

// Validate checks name and e-mail address. The error is a [domainerr.Invalid].
func (c Customer) Validate() error {
	var check domainerr.Check
	length := utf8.RuneCountInString(c.Name)
	check.Require(length >= 1 && length <= MaxCustomerLength && utf8.ValidString(c.Name), "name", "must be 1 to 200 characters")
	check.Require(text.Visible(c.Name), "name", text.Rule)
	check.Require(text.Visible(c.Email), "email", text.Rule)
	address, err := mail.ParseAddress(c.Email)
	check.Require(err == nil && address.Address == c.Email && len(c.Email) <= MaxEmailLength, "email",
		"must be an e-mail address of at most 254 bytes")
	return check.Err()
}

// Issue makes a new licence of a product under the present terms of a plan.
type Issue struct {
	LicenseID   uuid.UUID
	Serial      Serial
	Product     *catalog.Product
	Plan        *catalog.Plan
	SubjectID   uuid.UUID
	Customer    []byte // a sealed, valid [Customer]
	MaxMachines *int
	ExpiresAt   *time.Time // overrides the plan's validity
	Metadata    map[string]string
}

// Decide returns the event that issues the licence.
func (c Issue) Decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if s != nil {
		return nil, ErrAlreadyIssued
	}
	if err := c.validate(now); err != nil {
		return nil, err
	}
	terms := c.Plan.Terms
	expires := c.ExpiresAt
	if expires == nil && terms.ValidityDays != nil && terms.ValidityStarts == catalog.AtIssue {
		at := now.Add(days(*terms.ValidityDays))
		expires = &at
	}
	return []event.Payload{Issued{
		LicenseID:    c.LicenseID,
		Serial:       c.Serial,
		ProductID:    c.Product.ID,
		ProductCode:  c.Product.Code,
		PlanID:       c.Plan.ID,
		PlanCode:     c.Plan.Code,
		PlanRevision: c.Plan.Revision,
		Policy: Policy{
			PlanType:                terms.Type,
			ProductMaxMachines:      c.Product.MaxMachinesPerLicense,
			PlanMaxMachines:         terms.MaxMachines,
			LicenseMaxMachines:      c.MaxMachines,
			ValidityDays:            terms.ValidityDays,
			ValidityStarts:          terms.ValidityStarts,
			Features:                terms.Features,
			OfflineDays:             c.Product.OfflineDays,
			LeaseSeconds:            terms.LeaseSeconds,
			FingerprintMatch:        terms.FingerprintMatch,
			MaxRebinds:              terms.MaxRebinds,
			RebindWindowDays:        terms.RebindWindowDays,
			RebindCooldownSeconds:   terms.RebindCooldownSeconds,
			DailyActivationsPerSeat: terms.DailyActivationsPerSeat,
		},
		SubjectID: c.SubjectID,
		Customer:  c.Customer,
		Metadata:  c.Metadata,
		IssuedAt:  now,
		ExpiresAt: expires,
	}}, nil
}

func (c Issue) validate(now time.Time) error {
	if c.Product == nil {
		return catalog.ErrProductNotFound
	}
	if c.Plan == nil || c.Plan.ProductID != c.Product.ID {
		return catalog.ErrPlanNotFound
	}
	var check domainerr.Check
	check.Require(c.MaxMachines == nil || *c.MaxMachines >= 1 && *c.MaxMachines <= catalog.MaxMachines, "max_machines", "must be 1 to 1000000")
	check.Require(c.ExpiresAt == nil || c.ExpiresAt.After(now), "expires_at", "must be in the future")
	check.Require(c.ExpiresAt == nil || c.ExpiresAt.Before(now.Add(days(catalog.MaxDays))), "expires_at", "must be within 36500 days")
	check.Require(len(c.Metadata) <= MaxMetadata, "metadata", "must have at most 64 entries")
	for k, v := range c.Metadata {
		check.Require(k != "" && len(k) <= MaxMetadataKey && utf8.ValidString(k), "metadata", "must have keys of 1 to 64 bytes")
		check.Require(utf8.RuneCountInString(v) <= MaxMetadataValue && utf8.ValidString(v), "metadata."+k, "must be at most 1024 characters")
	}
	return check.Err()
}
