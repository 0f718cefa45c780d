package commandapi

import (
	"context"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/httpapi/api"
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

// Deactivate implements [StrictServerInterface].
func (s server) Deactivate(ctx context.Context, r DeactivateRequestObject) (DeactivateResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	command := activation.Deactivate{ActivationID: r.ID, Reason: r.Body.Reason}
	command.LicenseKey, command.LicenseID, err = s.addressed(ctx, r.Body.LicenseKey, r.ID, s.Machines.LicenseOfActivation)
	if err != nil {
		return nil, err
	}
	ended, err := s.Commands.Activation.Deactivate(ctx, request, command)
	if err != nil {
		return nil, err
	}
	return Deactivate200JSONResponse{LicenseReleasedJSONResponse{
		Body: api.Deactivation{
			ActivationID: ended.ActivationID,
			LicenseID:    ended.LicenseID,
			Seats:        api.Seats{Used: ended.Seats.Used, Limit: ended.Seats.Limit},
		},
		Headers: LicenseReleasedResponseHeaders(headers(ended.Outcome)),
	}}, nil
}

// RebindMachine implements [StrictServerInterface].
func (s server) RebindMachine(ctx context.Context, r RebindMachineRequestObject) (RebindMachineResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	command := activation.RebindMachine{BindingID: r.ID, Machine: presented(r.Body.Machine), Reason: r.Body.Reason}
	command.LicenseKey, command.LicenseID, err = s.addressed(ctx, r.Body.LicenseKey, r.ID, s.Machines.LicenseOfBinding)
	if err != nil {
		return nil, err
	}
	rebound, err := s.Commands.Activation.RebindMachine(ctx, request, command)
	if err != nil {
		return nil, err
	}
	return RebindMachine200JSONResponse{activationStands(rebound)}, nil
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
