package commandapi

import (
	"context"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// ActivateMachine implements [StrictServerInterface].
func (s server) ActivateMachine(ctx context.Context, r ActivateMachineRequestObject) (ActivateMachineResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	activation, err := s.Commands.ActivateMachine(ctx, request, commands.ActivateMachine{
		LicenseKey: r.Body.LicenseKey, Machine: presented(r.Body.Machine),
	})
	if err != nil {
		return nil, err
	}
	if !activation.New {
		return ActivateMachine200JSONResponse{activationStands(activation)}, nil
	}
	return ActivateMachine201JSONResponse{MachineActivatedJSONResponse{
		Body: activationJSON(activation), Headers: MachineActivatedResponseHeaders(headers(activation.Outcome)),
	}}, nil
}

// Heartbeat implements [StrictServerInterface].
func (s server) Heartbeat(ctx context.Context, r HeartbeatRequestObject) (HeartbeatResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	activation, err := s.Commands.Heartbeat(ctx, request, commands.Heartbeat{
		ActivationID: r.ID, LicenseKey: r.Body.LicenseKey, Machine: presented(r.Body.Machine),
	})
	if err != nil {
		return nil, err
	}
	return Heartbeat200JSONResponse{activationStands(activation)}, nil
}

// Deactivate implements [StrictServerInterface].
func (s server) Deactivate(ctx context.Context, r DeactivateRequestObject) (DeactivateResponseObject, error) {
	request, err := conditions(r.Params).request(ctx)
	if err != nil {
		return nil, err
	}
	command := commands.Deactivate{ActivationID: r.ID, LicenseKey: value(r.Body.LicenseKey), Reason: r.Body.Reason}
	if command.LicenseKey == "" {
		if command.LicenseID, err = s.licenseOf(ctx, r.ID, s.Machines.LicenseOfActivation); err != nil {
			return nil, err
		}
	}
	ended, err := s.Commands.Deactivate(ctx, request, command)
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
	command := commands.RebindMachine{
		BindingID: r.ID, LicenseKey: value(r.Body.LicenseKey), Machine: presented(r.Body.Machine), Reason: r.Body.Reason,
	}
	if command.LicenseKey == "" {
		if command.LicenseID, err = s.licenseOf(ctx, r.ID, s.Machines.LicenseOfBinding); err != nil {
			return nil, err
		}
	}
	activation, err := s.Commands.RebindMachine(ctx, request, command)
	if err != nil {
		return nil, err
	}
	return RebindMachine200JSONResponse{activationStands(activation)}, nil
}

func activationStands(a commands.Activation) ActivationStandsJSONResponse {
	return ActivationStandsJSONResponse{Body: activationJSON(a), Headers: ActivationStandsResponseHeaders(headers(a.Outcome))}
}

func activationJSON(a commands.Activation) api.Activation {
	return api.Activation{
		ActivationID: a.ID,
		BindingID:    a.BindingID,
		LicenseID:    a.LicenseID,
		Certificate:  a.Certificate,
		ExpiresAt:    a.ExpiresAt.UTC(),
		Seats:        api.Seats{Used: a.Seats.Used, Limit: a.Seats.Limit},
	}
}

func presented(m api.Machine) commands.PresentedMachine {
	described := commands.PresentedMachine{Fingerprint: value(m.Fingerprint), Name: value(m.Name), OS: value(m.OS)}
	if m.Components != nil {
		described.Components = make(map[string][]string, len(*m.Components))
		for kind, values := range *m.Components {
			described.Components[kind] = values
		}
	}
	return described
}
