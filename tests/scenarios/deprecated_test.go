package scenarios_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// TestDeprecatedPathsStillWorkAndSayUntilWhen is for clients that do not name the licence of an activation or a binding yet.
func TestDeprecatedPathsStillWorkAndSayUntilWhen(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	for name, client := range map[string]struct {
		blackbox.Client
		credential object
	}{
		"a machine":   {v.machine, object{"license_key": l.Key}},
		"an operator": {v.admin, nil},
	} {
		a := v.activate(l.Key, fingerprinted(name))
		rebound := client.Post("/v1/bindings/"+a.BindingID.String()+"/rebind",
			with(object{"reason": "replaced", "machine": fingerprinted(name + ", new")}, client.credential))
		a = blackbox.OK[api.Activation](rebound)
		requireDeprecated(t, rebound)
		ended := client.Post("/v1/activations/"+a.ActivationID.String()+"/deactivate", with(object{"reason": "sold"}, client.credential))
		require.Equal(t, l.ID, blackbox.OK[api.Deactivation](ended).LicenseID, name)
		requireDeprecated(t, ended)
	}
	require.Empty(t, v.deactivate(v.admin, api.Activation{LicenseID: l.ID}, nil).Header.Get("Deprecation"), "the new path is not deprecated")
}

func requireDeprecated(t *testing.T, r blackbox.Response) {
	t.Helper()
	require.Regexp(t, "^@[0-9]+$", r.Header.Get("Deprecation"), "RFC 9745, section 2.1")
	sunset, err := http.ParseTime(r.Header.Get("Sunset"))
	require.NoError(t, err)
	require.True(t, sunset.After(time.Date(2027, 11, 26, 0, 0, 0, 0, time.UTC)))
	require.Contains(t, r.Header.Values("Link"), `</docs>; rel="deprecation"; type="text/html"`)
}
