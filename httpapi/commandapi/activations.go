package commandapi

import (
	"context"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// ActivateMachine implements [StrictServerInterface].
func (s server) ActivateMachine(ctx context.Context, r ActivateMachineRequestObject) (ActivateMachineResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.Commands.Activation.ParseLicenseKey(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	activated, err := s.Commands.Activation.ActivateMachine(ctx, request, activation.ActivateMachine{
		LicenseKey: key, Machine: presented(r.Body.Machine),
	})
	if err != nil {
		return nil, err
	}
	if !activated.New {
		return ActivateMachine200JSONResponse{activationStands(activated)}, nil
	}
	return ActivateMachine201JSONResponse{MachineActivatedJSONResponse{
		Body: activationJSON(activated), Headers: MachineActivatedResponseHeaders(headers(activated.Outcome)),
	}}, nil
}

// Heartbeat implements [StrictServerInterface].
func (s server) Heartbeat(ctx context.Context, r HeartbeatRequestObject) (HeartbeatResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.Commands.Activation.ParseLicenseKey(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	renewed, err := s.Commands.Activation.Heartbeat(ctx, request, activation.Heartbeat{
		ActivationID: r.ID, LicenseKey: key, Machine: presented(r.Body.Machine),
	})
	if err != nil {
		return nil, err
	}
	return Heartbeat200JSONResponse{activationStands(renewed)}, nil
}

// DeactivateMachine implements [StrictServerInterface].
func (s server) DeactivateMachine(ctx context.Context, r DeactivateMachineRequestObject) (DeactivateMachineResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.keyOf(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	ended, err := s.Commands.Activation.Deactivate(ctx, request, activation.Deactivate{
		LicenseKey: key, LicenseID: r.ID, ActivationID: r.ActivationID, Reason: r.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return DeactivateMachine200JSONResponse{licenseReleased(ended)}, nil
}

// Rebind implements [StrictServerInterface].
func (s server) Rebind(ctx context.Context, r RebindRequestObject) (RebindResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.keyOf(ctx, r.Body.LicenseKey)
	if err != nil {
		return nil, err
	}
	rebound, err := s.Commands.Activation.RebindMachine(ctx, request, activation.RebindMachine{
		LicenseKey: key, LicenseID: r.ID, BindingID: r.BindingID, Machine: presented(r.Body.Machine), Reason: r.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return Rebind200JSONResponse{activationStands(rebound)}, nil
}

// keyOf reads the licence key that a request may hold. Without one, only an operator may name the licence.
func (s server) keyOf(ctx context.Context, key *api.LicenseKey) (activation.LicenseKey, error) {
	if value(key) != "" {
		return s.Commands.Activation.ParseLicenseKey(ctx, *key)
	}
	principal, err := access.From(ctx)
	if err == nil && principal.Role == access.Machine {
		err = problem.ErrLicenseKeyMissing
	}
	return activation.LicenseKey{}, err
}

func licenseReleased(ended activation.Deactivated) LicenseReleasedJSONResponse {
	return LicenseReleasedJSONResponse{
		Body: api.Deactivation{
			ActivationID: ended.ActivationID,
			LicenseID:    ended.LicenseID,
			Seats:        api.Seats{Used: ended.Seats.Used, Limit: ended.Seats.Limit},
		},
		Headers: LicenseReleasedResponseHeaders(headers(ended.Outcome)),
	}
}

func activationStands(a activation.Activation) ActivationStandsJSONResponse {
	return ActivationStandsJSONResponse{Body: activationJSON(a), Headers: ActivationStandsResponseHeaders(headers(a.Outcome))}
}

func activationJSON(a activation.Activation) api.Activation {
	return api.Activation{
		ActivationID: a.ID,
		BindingID:    a.BindingID,
		LicenseID:    a.LicenseID,
		Certificate:  a.Certificate,
		ExpiresAt:    a.ExpiresAt.UTC(),
		Seats:        api.Seats{Used: a.Seats.Used, Limit: a.Seats.Limit},
	}
}

func presented(m api.Machine) activation.PresentedMachine {
	described := activation.PresentedMachine{Fingerprint: value(m.Fingerprint), Name: value(m.Name), OS: value(m.OS)}
	if m.Components != nil {
		described.Components = make(map[string][]string, len(*m.Components))
		for kind, values := range *m.Components {
			described.Components[kind] = values
		}
	}
	return described
}
