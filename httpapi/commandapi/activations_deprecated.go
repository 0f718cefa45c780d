package commandapi

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// findLicense finds the licence that an id belongs to.
type findLicense func(ctx context.Context, tenant string, id uuid.UUID) (uuid.UUID, error)

// The deprecated endpoints name an activation or a binding, but not its licence. They are the only commands that query a read model.

// Deactivate implements [StrictServerInterface].
func (s server) Deactivate(ctx context.Context, r DeactivateRequestObject) (DeactivateResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	command := activation.Deactivate{ActivationID: r.ID, Reason: r.Body.Reason}
	if command.LicenseKey, err = s.keyOf(ctx, r.Body.LicenseKey); err != nil {
		return nil, err
	}
	if command.LicenseKey.IsZero() {
		if command.LicenseID, err = s.licenseOf(ctx, r.ID, s.Machines.LicenseOfActivation); err != nil {
			return nil, err
		}
	}
	deactivated, err := s.Commands.Activation.Deactivate(ctx, request, command)
	if err != nil {
		return nil, err
	}
	return Deactivate200JSONResponse{deactivationResponse(deactivated)}, nil
}

// RebindMachine implements [StrictServerInterface].
func (s server) RebindMachine(ctx context.Context, r RebindMachineRequestObject) (RebindMachineResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	command := activation.RebindMachine{BindingID: r.ID, Machine: toMachine(r.Body.Machine), Reason: r.Body.Reason}
	if command.LicenseKey, err = s.keyOf(ctx, r.Body.LicenseKey); err != nil {
		return nil, err
	}
	if command.LicenseKey.IsZero() {
		if command.LicenseID, err = s.licenseOf(ctx, r.ID, s.Machines.LicenseOfBinding); err != nil {
			return nil, err
		}
	}
	rebound, err := s.Commands.Activation.RebindMachine(ctx, request, command)
	if err != nil {
		return nil, err
	}
	return RebindMachine200JSONResponse{activationResponse(rebound)}, nil
}

// licenseOf finds the licence of an activation or a binding. The read model lags behind the ledger. If it does not have the id, licenseOf
// waits until it has caught up and queries it again.
func (s server) licenseOf(ctx context.Context, id uuid.UUID, find findLicense) (uuid.UUID, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return uuid.UUID{}, err
	}
	license, err := find(ctx, principal.Tenant, id)
	if !errors.Is(err, store.ErrNotFound) {
		return license, err
	}
	head, err := s.Head(ctx)
	if err != nil {
		return uuid.UUID{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, s.WaitTimeout)
	defer cancel()
	if err := s.Projections.Await(bounded, []string{machines.Definition.Name}, uint64(head)); err != nil {
		return uuid.UUID{}, err
	}
	return find(ctx, principal.Tenant, id)
}
