package commandapi

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels"
)

// addressed returns how a request names its licence: by the licence key that it holds, else by the id of something that hangs on the licence.
func (s server) addressed(
	ctx context.Context, key *api.LicenseKey, id uuid.UUID, find func(context.Context, string, uuid.UUID) (uuid.UUID, error),
) (activation.LicenseKey, uuid.UUID, error) {
	if value(key) != "" {
		parsed, err := s.Commands.Activation.ParseLicenseKey(ctx, *key)
		return parsed, uuid.Nil, err
	}
	license, err := s.licenseOf(ctx, id, find)
	return activation.LicenseKey{}, license, err
}

// licenseOf finds the licence that an operator means by the id of something that hangs on it. The index follows the ledger,
// so what it does not know may only be too new: then it is asked again once it has caught up.
func (s server) licenseOf(ctx context.Context, id uuid.UUID, find func(context.Context, string, uuid.UUID) (uuid.UUID, error)) (uuid.UUID, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return uuid.UUID{}, err
	}
	if principal.Role == access.Machine {
		return uuid.UUID{}, problem.ErrLicenseKeyMissing
	}
	license, err := find(ctx, principal.Tenant, id)
	if !errors.Is(err, readmodels.ErrNotFound) {
		return license, err
	}
	head, err := s.Head(ctx)
	if err != nil {
		return uuid.UUID{}, err
	}
	patient, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	if err := s.Projections.Await(patient, []string{readmodels.Machines}, uint64(head)); err != nil {
		return uuid.UUID{}, err
	}
	return find(ctx, principal.Tenant, id)
}
