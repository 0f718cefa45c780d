package present

import (
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/machines"
)

// MachineRow returns a machine that is or was bound to a licence, with its latest activation.
func MachineRow(m machines.Machine) api.BoundMachine {
	out := api.BoundMachine{
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
		out.Activation = &api.MachineActivation{
			ID:         a.ID,
			Status:     api.ActivationStatus(a.Status),
			GrantedAt:  a.GrantedAt,
			RenewedAt:  a.RenewedAt,
			ExpiresAt:  a.ExpiresAt,
			EndedAt:    a.EndedAt,
			LastReason: a.LastReason,
		}
	}
	return out
}
