package license

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/text"
)

// Suspend takes the right to activate and validate away until the licence is reinstated. An expired licence can be suspended too,
// so that a renewal does not give its rights back.
type Suspend struct{ Reason string }

func (c Suspend) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	if s.Suspension != nil || s.Revocation != nil {
		return nil, s.transitionRefused("suspended", StatusActive, StatusExpired)
	}
	return []event.Payload{Suspended{Reason: c.Reason, SuspendedAt: now}}, nil
}

// Reinstate ends a suspension. The licence has its rights back, unless it has expired.
type Reinstate struct{ Reason string }

func (c Reinstate) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	if s.Status() != StatusSuspended {
		return nil, s.transitionRefused("reinstated", StatusSuspended)
	}
	return []event.Payload{Reinstated{Reason: c.Reason, ReinstatedAt: now}}, nil
}

// Revoke ends the licence for good.
type Revoke struct{ Reason string }

func (c Revoke) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	if s.Revocation != nil {
		return nil, s.transitionRefused("revoked", StatusActive, StatusSuspended, StatusExpired)
	}
	return []event.Payload{Revoked{Reason: c.Reason, RevokedAt: now}}, nil
}

// Renew moves the expiry: by days from the present expiry (from now, when that has passed), or to a given time.
// Exactly one of the two is set. A suspended licence stays suspended.
type Renew struct {
	Reason     string
	ExtendDays *int
	ExpiresAt  *time.Time
}

func (c Renew) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := c.validate(now); err != nil {
		return nil, err
	}
	if s.Revocation != nil {
		return nil, s.transitionRefused("renewed", StatusActive, StatusSuspended, StatusExpired)
	}
	expires := c.ExpiresAt
	if c.ExtendDays != nil {
		if s.ExpiresAt == nil {
			return nil, ErrInvalidTransition.WithMessage("the licence has no expiry that could be extended; give expires_at to set one")
		}
		from := *s.ExpiresAt
		if from.Before(now) {
			from = now
		}
		at := from.Add(days(*c.ExtendDays))
		// Without it, extending again and again would leave the years that RFC 3339 can write.
		var check domainerr.Check
		check.Require(!at.After(now.Add(days(catalog.MaxDays))), "extend_days", "must not carry the expiry further than 36500 days from now")
		if err := check.Err(); err != nil {
			return nil, err
		}
		expires = &at
	}
	return []event.Payload{Renewed{Reason: c.Reason, PreviousExpiresAt: s.ExpiresAt, ExpiresAt: *expires, RenewedAt: now}}, nil
}

func (c Renew) validate(now time.Time) error {
	var check domainerr.Check
	check.Nested("", validateReason(c.Reason))
	check.Require((c.ExtendDays == nil) != (c.ExpiresAt == nil), "extend_days", "must be given, or else expires_at, but not both")
	check.Require(c.ExtendDays == nil || *c.ExtendDays >= 1 && *c.ExtendDays <= catalog.MaxDays, "extend_days", "must be 1 to 36500")
	check.Require(c.ExpiresAt == nil || c.ExpiresAt.After(now), "expires_at", "must be in the future")
	check.Require(c.ExpiresAt == nil || c.ExpiresAt.Before(now.Add(days(catalog.MaxDays))), "expires_at", "must be within 36500 days")
	return check.Err()
}

// ReissueKey replaces the licence key: keys handed out before are useless from then on.
type ReissueKey struct{ Reason string }

func (c ReissueKey) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	if err := validateReason(c.Reason); err != nil {
		return nil, err
	}
	if s.Revocation != nil {
		return nil, s.transitionRefused("given a new key", StatusActive, StatusSuspended, StatusExpired)
	}
	if s.KeyGeneration == math.MaxUint8 {
		return nil, ErrInvalidTransition.WithMessage("the licence's key was replaced 255 times, which is the most; issue a new licence")
	}
	return []event.Payload{KeyReissued{Reason: c.Reason, Generation: s.KeyGeneration + 1, ReissuedAt: now}}, nil
}

func (s *Stream) transitionRefused(what string, from ...Status) error {
	names := make([]string, len(from))
	for i, status := range from {
		names[i] = string(status)
	}
	return ErrInvalidTransition.WithMessage("a licence that is %s cannot be %s; it must be %s", s.Status(), what, strings.Join(names, " or "))
}

// validateReason wants every change of a licence to say why.
func validateReason(reason string) error {
	var check domainerr.Check
	length := utf8.RuneCountInString(reason)
	check.Require(strings.TrimSpace(reason) != "" && length <= MaxReasonLength && utf8.ValidString(reason), "reason",
		"must be 1 to 500 characters")
	check.Require(text.VisibleLines(reason), "reason", text.Rule)
	return check.Err()
}
