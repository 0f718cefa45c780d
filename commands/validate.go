package commands

import (
	"context"
	"errors"
	"time"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// Validate asks whether a licence key is good, for a machine, a product and some features; each of the three is optional.
type Validate struct {
	LicenseKey   string
	Machine      *PresentedMachine
	Product      string // code or id
	Entitlements []string
}

// MaxEntitlements is how many features one validation may ask for.
const MaxEntitlements = 64

// Verdict answers a validation. It is decided by the aggregate, never by a read model.
type Verdict struct {
	Code       license.Code
	License    *license.Stream // nil when the key leads to none
	Activation *Activation     // the machine's, when the verdict is VALID and a machine was given
	DecidedBy  []event.Ref
	Outcome
}

// Validate carries the question out. A key that leads nowhere is a verdict, not an error. When a valid machine's certificate
// has less than half of its time left, or its hardware drifted, that is recorded and a fresh certificate handed out.
func (h *Handler) Validate(ctx context.Context, req Request, c Validate) (Verdict, error) {
	var check domainerr.Check
	check.Require(len(c.Entitlements) <= MaxEntitlements, "entitlements", "must be at most 64")
	if err := check.Err(); err != nil {
		return Verdict{}, err
	}
	s, err := h.byKey(ctx, c.LicenseKey)
	switch {
	case errors.Is(err, keyring.ErrLicenseKeyInvalid):
		return Verdict{Code: license.KeyInvalid}, nil
	case errors.Is(err, license.ErrNotFound):
		return Verdict{Code: license.NotFound}, nil
	case err != nil:
		return Verdict{}, err
	}
	ask := license.Validate{Product: c.Product, Entitlements: c.Entitlements}
	if c.Machine != nil {
		presented, err := h.recognisable(s.StreamState().Tenant, *c.Machine)
		if err != nil {
			return Verdict{}, err
		}
		ask.Machine = &presented
		if ask.KeyID, err = h.signingKeyID(ctx, s); err != nil {
			return Verdict{}, err
		}
	}
	verdict, err := h.judge(ctx, req, s, c.LicenseKey, ask)
	if errors.Is(err, license.ErrKeySuperseded) { // meanwhile
		return Verdict{Code: license.KeyInvalid}, nil
	}
	return verdict, err
}

// judge answers from the cached aggregate, and goes to the ledger only when there is something to record.
func (h *Handler) judge(ctx context.Context, req Request, s *license.Stream, licenseKey string, ask license.Validate) (Verdict, error) {
	if req.IfMatch != nil && *req.IfMatch != s.StreamState().Revision {
		return Verdict{}, ErrPreconditionFailed.WithMessage("it is at revision %d, not %d", s.StreamState().Revision, *req.IfMatch)
	}
	now := h.licenses.clock()
	done := changed[license.Stream]{state: s, Outcome: Outcome{Position: s.StreamState().Position, Revision: s.StreamState().Revision}}
	news, err := s.Decide(ask, now)
	if err != nil {
		return Verdict{}, err
	}
	if len(news) > 0 {
		done, err = h.licenses.change(ctx, Request{Correlation: req.Correlation, IfMatch: req.IfMatch}, s.ID, func(s *license.Stream, at time.Time) ([]event.Payload, error) {
			now = at
			if err := h.opens(ctx, licenseKey, s); err != nil {
				return nil, err
			}
			return s.Decide(ask, at)
		})
		if err != nil {
			return Verdict{}, err
		}
	}
	current := done.state.AsOf(now)
	judged := done.state.Verdict(ask, now)
	verdict := Verdict{Code: judged.Code, License: current, DecidedBy: judged.DecidedBy, Outcome: done.Outcome}
	if judged.Machine == nil {
		return verdict, nil
	}
	activation, err := h.answer(ctx, done, *judged.Machine)
	verdict.Activation = &activation
	return verdict, err
}
