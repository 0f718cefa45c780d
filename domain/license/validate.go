package license

import (
	"time"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// Code is the outcome of a validation.
type Code string

// The outcomes of a validation.
const (
	Valid               Code = "VALID"
	KeyInvalid          Code = "LICENSE_KEY_INVALID"
	NotFound            Code = "LICENSE_NOT_FOUND"
	LicenseSuspended    Code = "LICENSE_SUSPENDED"
	LicenseExpired      Code = "LICENSE_EXPIRED"
	LicenseRevoked      Code = "LICENSE_REVOKED"
	NotActivated        Code = "NOT_ACTIVATED"        // no machine is bound to the licence
	FingerprintMismatch Code = "FINGERPRINT_MISMATCH" // machines are bound, but not this one
	LeaseLapsed         Code = "LEASE_LAPSED"
	ProductMismatch     Code = "PRODUCT_MISMATCH"
	EntitlementMissing  Code = "ENTITLEMENT_MISSING"
)

// Validate asks whether a licence is good for a machine, a product and some features. Every part but the licence is optional.
type Validate struct {
	Machine      *machine.Machine
	Product      string   // a product's code or id
	Entitlements []string // names of features that must be there and on
	KeyID        string   // the product key that signs today
}

// Verdict is the answer to a validation, with the events that decided it.
type Verdict struct {
	Code      Code
	Machine   *BoundMachine // the machine's place, when the verdict is VALID and a machine was given
	DecidedBy []event.Ref
}

// Verdict decides whether the licence is good at now. It reads nothing but the stream and changes nothing.
func (s *Stream) Verdict(c Validate, now time.Time) Verdict {
	return c.judge(s.AsOf(now), now).verdict
}

type judgement struct {
	verdict Verdict
	known   recognised
}

func (c Validate) judge(s *Stream, now time.Time) judgement {
	because := func(code Code, refs ...event.Ref) judgement {
		return judgement{verdict: Verdict{Code: code, DecidedBy: recorded(refs)}}
	}
	switch s.Status() {
	case StatusSuspended:
		return because(LicenseSuspended, s.StatusEvent())
	case StatusExpired:
		return because(LicenseExpired, s.StatusEvent(), s.ExpiryEvent)
	case StatusRevoked:
		return because(LicenseRevoked, s.StatusEvent())
	case StatusActive:
	}
	if c.Product != "" && !s.isOf(c.Product) {
		return because(ProductMismatch, s.issued)
	}
	for _, name := range c.Entitlements {
		if !s.Policy.Features.Entitles(name) {
			return because(EntitlementMissing, s.issued)
		}
	}
	if c.Machine == nil {
		return because(Valid, s.StatusEvent(), s.ExpiryEvent)
	}
	if s.machines.count() == 0 {
		return because(NotActivated, s.StatusEvent())
	}
	known, found := s.recognise(*c.Machine, now)
	if !found {
		return because(FingerprintMismatch, s.StatusEvent())
	}
	if known.Activation.Status == activation.StatusLapsed {
		return because(LeaseLapsed, known.Activation.StatusEvent)
	}
	valid := because(Valid, s.StatusEvent(), s.ExpiryEvent, known.Binding.MachineEvent, known.Activation.StatusEvent)
	valid.verdict.Machine, valid.known = &known.BoundMachine, known
	return valid
}

// isOf reports whether the licence is for a product, given by its code or id.
func (s *Stream) isOf(product string) bool {
	id, is := catalog.ParseID(product)
	return product == s.ProductCode || is && id == s.ProductID
}

// decide records what a valid machine's contact brings about: drift, or a fresh certificate.
func (c Validate) decide(s *Stream, now time.Time) ([]event.Payload, error) {
	judged := c.judge(s, now)
	if judged.verdict.Machine == nil {
		return nil, nil
	}
	return s.keep(judged.known, *c.Machine, c.KeyID, now)
}

// recorded leaves out repetitions.
func recorded(refs []event.Ref) []event.Ref {
	var unique []event.Ref
	seen := map[event.Position]bool{}
	for _, r := range refs {
		if !seen[r.Position] {
			seen[r.Position] = true
			unique = append(unique, r)
		}
	}
	return unique
}
