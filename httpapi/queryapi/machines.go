package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
)

// ListLicenseMachines implements [StrictServerInterface].
func (s server) ListLicenseMachines(ctx context.Context, r ListLicenseMachinesRequestObject) (ListLicenseMachinesResponseObject, error) {
	part, err := paging(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.license(ctx, r.ID, r.Params.LedgerPosition, licenses.Definition.Name, machines.Definition.Name)
	if err != nil {
		return nil, err
	}
	rows, err := s.Machines.OfLicense(ctx, found.Tenant, found.ID, part)
	if err != nil {
		return nil, err
	}
	items, cursor, link, err := page(ctx, rows, machineJSON)
	return ListLicenseMachines200JSONResponse{
		Body: api.MachinePage{Items: items, NextCursor: cursor}, Headers: ListLicenseMachines200ResponseHeaders{Link: link},
	}, err
}

func machineJSON(m machines.Machine) (api.BoundMachine, error) {
	described := api.BoundMachine{
		BindingID:           m.BindingID,
		LicenseID:           m.LicenseID,
		Fingerprint:         m.Fingerprint,
		PreviousFingerprint: m.PreviousFingerprint,
		OS:                  m.OS,
		Name:                m.Name,
		Status:              api.MachineStatus(m.Status),
		BoundAt:             m.BoundAt,
		LastSeenAt:          m.LastSeenAt,
		ReleasedAt:          m.ReleasedAt,
		Drifts:              api.Drifts{Count: m.DriftCount, Matched: m.DriftMatched, Compared: m.DriftCompared},
		Rebinds:             m.RebindCount,
		LastReason:          m.LastReason,
	}
	if a := m.Activation; a != nil {
		described.Activation = &api.MachineActivation{
			ID:         a.ID,
			Status:     api.ActivationStatus(a.Status),
			GrantedAt:  a.GrantedAt,
			RenewedAt:  a.RenewedAt,
			ExpiresAt:  a.ExpiresAt,
			EndedAt:    a.EndedAt,
			LastReason: a.LastReason,
		}
	}
	return described, nil
}
