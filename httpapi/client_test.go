package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/client"
)

func TestTheGeneratedClientSpeaksToTheServer(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	c, err := client.NewClientWithResponses(w.url, client.WithHTTPClient(w.client),
		client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+adminKey)
			return nil
		}))
	require.NoError(t, err)
	fingerprint := strings.Repeat("a", 64)
	activated, err := c.ActivateMachineWithResponse(t.Context(), nil, api.ActivateMachine{
		LicenseKey: s.license.Key, Machine: api.Machine{Fingerprint: &fingerprint},
	})
	require.NoError(t, err)
	require.Equal(t, s.license.ID, activated.JSON201.LicenseID)
	position := activated.HTTPResponse.Header.Get("Ledger-Position")
	shown, err := c.GetLicenseWithResponse(t.Context(), s.license.ID, &api.GetLicenseParams{LedgerPosition: &position})
	require.NoError(t, err)
	require.Equal(t, 1, shown.JSON200.Seats.Used)
	refused, err := c.SuspendLicenseWithResponse(t.Context(), s.license.ID, nil, api.ReasonRequest{Reason: " "})
	require.NoError(t, err)
	require.Equal(t, api.ProblemCodeINVALIDREQUEST, refused.ApplicationProblemJSON400.Code)
}
