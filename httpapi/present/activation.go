package present

import (
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// Activation returns an activation with its certificate.
func Activation(a activation.Activation) api.Activation {
	answer := api.Activation{
		ActivationID: a.ID,
		BindingID:    a.BindingID,
		LicenseID:    a.LicenseID,
		Certificate:  a.Certificate,
		ExpiresAt:    a.ExpiresAt.UTC(),
		Seats:        api.Seats{Used: a.Seats.Used, Limit: a.Seats.Limit},
	}
	if a.Today != nil {
		answer.Today = &api.ActivationToday{
			LicenseStatus: api.LicenseStatus(a.Today.License), ActivationStatus: api.ActivationStatus(a.Today.Activation),
		}
	}
	return answer
}

// Deactivation returns an activation that was ended.
func Deactivation(d activation.Deactivated) api.Deactivation {
	return api.Deactivation{
		ActivationID: d.ActivationID,
		LicenseID:    d.LicenseID,
		Seats:        api.Seats{Used: d.Seats.Used, Limit: d.Seats.Limit},
	}
}
