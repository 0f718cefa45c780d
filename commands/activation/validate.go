package activation

import (
	"context"
	"errors"
	"time"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// Validate asks whether a licence key is valid, for a machine, a product and some features; each of the three is optional. A key that leads
// nowhere is a verdict, not an error. When a valid machine's certificate has less than half of its time left, or its hardware drifted, that
// is recorded and the verdict has a fresh certificate.
type Validate struct {
	LicenseKey   LicenseKey // none: a key that this installation did not make
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
	runtime.Outcome
}

func (c *Commands) validate(ctx context.Context, req runtime.Request, command Validate) (Verdict, error) {
	var check domainerr.Check
	check.Require(len(command.Entitlements) <= MaxEntitlements, "entitlements", "must be at most 64")
	if err := check.Err(); err != nil {
		return Verdict{}, err
	}
	s, err := c.byKey(ctx, command.LicenseKey)
	switch {
	case errors.Is(err, keyring.ErrLicenseKeyInvalid):
		return Verdict{Code: license.KeyInvalid}, nil
	case errors.Is(err, license.ErrNotFound):
		return Verdict{Code: license.NotFound}, nil
	case err != nil:
		return Verdict{}, err
	}
	question := license.Validate{Product: command.Product, Entitlements: command.Entitlements}
	if command.Machine != nil {
		presented, err := c.identify(s.StreamState().Tenant, *command.Machine)
		if err != nil {
			return Verdict{}, err
		}
		question.Machine = &presented
		if question.KeyID, err = c.signingKeyID(ctx, s); err != nil {
			return Verdict{}, err
		}
	}
	verdict, err := c.evaluate(ctx, req, s, command.LicenseKey, question)
	if errors.Is(err, license.ErrKeySuperseded) { // since the licence was loaded
		return Verdict{Code: license.KeyInvalid}, nil
	}
	return verdict, err
}

// evaluate answers from the cached aggregate, and goes to the ledger only when there is something to record.
func (c *Commands) evaluate(ctx context.Context, req runtime.Request, s *license.Stream, key LicenseKey,
	question license.Validate) (Verdict, error) {
	stream := s.StreamState()
	if err := req.CheckRevision(stream.Revision); err != nil {
		return Verdict{}, err
	}
	now := c.licenses.Now()
	result := runtime.Result[license.Stream]{State: s, Outcome: runtime.Outcome{Position: stream.Position, Revision: stream.Revision}}
	news, err := s.Decide(question, now)
	if err != nil {
		return Verdict{}, err
	}
	if len(news) > 0 {
		result, err = c.licenses.Execute(ctx, req, s.ID, func(s *license.Stream, at time.Time) ([]event.Payload, error) {
			now = at
			if err := key.checkGeneration(s); err != nil {
				return nil, err
			}
			return s.Decide(question, at)
		})
		if err != nil {
			return Verdict{}, err
		}
	}
	decided := result.State.Verdict(question, now)
	verdict := Verdict{Code: decided.Code, License: result.State.AsOf(now), DecidedBy: decided.DecidedBy, Outcome: result.Outcome}
	if decided.Machine == nil {
		return verdict, nil
	}
	activation, err := c.activationResult(ctx, result, *decided.Machine)
	verdict.Activation = &activation
	return verdict, err
}
