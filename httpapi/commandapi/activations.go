package commandapi

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/keyring"
)

// ActivateMachine implements [StrictServerInterface].
func (s server) ActivateMachine(ctx context.Context, r ActivateMachineRequestObject) (ActivateMachineResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.Commands.Activation.ParseLicenseKey(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	activated, err := s.Commands.Activation.ActivateMachine(ctx, request, activation.ActivateMachine{
		LicenseKey: key, Machine: toMachine(r.Body.Machine),
	})
	if err != nil {
		return nil, err
	}
	if !activated.New {
		return ActivateMachine200JSONResponse{activationResponse(activated)}, nil
	}
	return ActivateMachine201JSONResponse{MachineActivatedJSONResponse{
		Body: present.Activation(activated), Headers: MachineActivatedResponseHeaders(headers(activated.Outcome)),
	}}, nil
}

// Heartbeat implements [StrictServerInterface].
func (s server) Heartbeat(ctx context.Context, r HeartbeatRequestObject) (HeartbeatResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.Commands.Activation.ParseLicenseKey(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	renewed, err := s.Commands.Activation.Heartbeat(ctx, request, activation.Heartbeat{
		ActivationID: r.ID, LicenseKey: key, Machine: toMachine(r.Body.Machine),
	})
	if err != nil {
		return nil, err
	}
	return Heartbeat200JSONResponse{activationResponse(renewed)}, nil
}

// DeactivateMachine implements [StrictServerInterface].
func (s server) DeactivateMachine(ctx context.Context, r DeactivateMachineRequestObject) (DeactivateMachineResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.keyOf(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	deactivated, err := s.Commands.Activation.Deactivate(ctx, request, activation.Deactivate{
		LicenseKey: key, LicenseID: r.ID, ActivationID: r.ActivationID, Reason: r.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return DeactivateMachine200JSONResponse{deactivationResponse(deactivated)}, nil
}

// Rebind implements [StrictServerInterface].
func (s server) Rebind(ctx context.Context, r RebindRequestObject) (RebindResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.keyOf(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	rebound, err := s.Commands.Activation.RebindMachine(ctx, request, activation.RebindMachine{
		LicenseKey: key, LicenseID: r.ID, BindingID: r.BindingID, Machine: toMachine(r.Body.Machine), Reason: r.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return Rebind200JSONResponse{activationResponse(rebound)}, nil
}

// How many characters parts of a validation may have.
const (
	maxNonce       = 128
	maxEntitlement = 64
)

// Validate implements [StrictServerInterface].
func (s server) Validate(ctx context.Context, r ValidateRequestObject) (ValidateResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkQuestions(*r.Body); err != nil {
		return nil, err
	}
	key, err := s.Commands.Activation.ParseLicenseKey(ctx, r.Body.LicenseKey)
	if err != nil && !errors.Is(err, keyring.ErrLicenseKeyInvalid) { // for an invalid key, the verdict says so
		return nil, err
	}
	command := activation.Validate{LicenseKey: key, Product: api.Value(r.Body.Product), Entitlements: r.Body.Entitlements}
	if r.Body.Machine != nil {
		machine := toMachine(*r.Body.Machine)
		command.Machine = &machine
	}
	verdict, err := s.Commands.Activation.Validate(ctx, request, command)
	if err != nil {
		return nil, err
	}
	return Validate200JSONResponse{ValidatedJSONResponse{Body: present.Verdict(verdict, r.Body.Nonce), Headers: verdictHeaders(verdict)}}, nil
}

// checkQuestions refuses a question of a validation that is there but empty: it must not be taken for no question.
func checkQuestions(b api.Validate) error {
	var check domainerr.Check
	check.Require(b.Nonce == nil || withinLength(*b.Nonce, maxNonce), "nonce", "must be 1 to 128 characters")
	check.Require(b.Product == nil || *b.Product != "", "product", "must be an id or a code")
	check.Require(b.Entitlements == nil || len(b.Entitlements) > 0, "entitlements", "must not be empty")
	for i, name := range b.Entitlements[:min(len(b.Entitlements), activation.MaxEntitlements)] {
		check.Require(withinLength(name, maxEntitlement), "entitlements["+strconv.Itoa(i)+"]", "must be 1 to 64 characters")
	}
	return check.Err()
}

func withinLength(s string, characters int) bool {
	return s != "" && utf8.RuneCountInString(s) <= characters
}

// keyOf reads the optional licence key of a request. Without a key, only an operator may name the licence.
func (s server) keyOf(ctx context.Context, key *api.LicenseKey) (activation.LicenseKey, error) {
	if key != nil {
		return s.Commands.Activation.ParseLicenseKey(ctx, *key)
	}
	principal, err := access.From(ctx)
	if err == nil && principal.Role == access.Machine {
		err = problem.ErrLicenseKeyMissing
	}
	return activation.LicenseKey{}, err
}

func deactivationResponse(d activation.Deactivated) LicenseReleasedJSONResponse {
	return LicenseReleasedJSONResponse{Body: present.Deactivation(d), Headers: LicenseReleasedResponseHeaders(headers(d.Outcome))}
}

func activationResponse(a activation.Activation) ActivationStandsJSONResponse {
	return ActivationStandsJSONResponse{Body: present.Activation(a), Headers: ActivationStandsResponseHeaders(headers(a.Outcome))}
}

// toMachine converts what a machine says about itself.
func toMachine(m api.Machine) activation.PresentedMachine {
	out := activation.PresentedMachine{Fingerprint: api.Value(m.Fingerprint), Name: api.Value(m.Name), OS: api.Value(m.OS)}
	if m.Components != nil {
		out.Components = make(map[string][]string, len(*m.Components))
		for kind, values := range *m.Components {
			out.Components[kind] = values
		}
	}
	return out
}
