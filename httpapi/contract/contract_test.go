package contract_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/contract"
)

func TestWhatTheServerMustKnowIsRead(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	c, err := contract.Parse(text)
	require.NoError(t, err)
	for name, want := range map[string]struct {
		method, path string
		id           string
		access       contract.Credential
		body, stream bool
		max          int64
		knows        []string
	}{
		"an admin's command":   {"POST", "/v1/licenses", "issueLicense", contract.Admin, true, false, 1 << 20, nil},
		"a batch":              {"POST", "/v1/licenses/batch", "issueLicenses", contract.Admin, true, false, 2 << 20, nil},
		"a machine's command":  {"POST", "/v1/activations", "activateMachine", contract.Open, true, false, 64 << 10, nil},
		"a command for either": {"POST", "/v1/licenses/:id/bindings/:binding_id/rebind", "rebind", contract.Either, true, false, 64 << 10, nil},
		"a list": {"GET", "/v1/licenses", "listLicenses", contract.Admin, false, false, 64 << 10,
			[]string{"status", "q", "cursor", "limit"}},
		"a head": {"HEAD", "/v1/licenses/:id", "getLicense", contract.Admin, false, false, 64 << 10, nil},
		"a stream": {"GET", "/v1/ledger/events", "listLedgerEvents", contract.Admin, false, true, 64 << 10,
			[]string{"after", "follow"}},
		"a public key set": {"GET", "/v1/products/:id/jwks.json", "getProductKeys", contract.Open, false, false, 64 << 10, nil},
	} {
		o, found := c.Operation(want.method, want.path)
		require.True(t, found, name)
		require.Equal(t, want.id, o.ID, name)
		require.Equal(t, want.access, o.Credential, name)
		require.Equal(t, want.body, o.Body, name)
		require.Equal(t, want.stream, o.Stream, name)
		require.Equal(t, want.max, o.MaxBody, name)
		require.False(t, o.HasParameter("anything"), name)
		require.False(t, o.HasParameter("Ledger-Position"), name)
		for _, parameter := range want.knows {
			require.True(t, o.HasParameter(parameter), "%s: %s", name, parameter)
		}
	}
	unknown, found := c.Operation(http.MethodDelete, "/v1/licenses")
	require.False(t, found)
	require.Equal(t, contract.Admin, unknown.Credential, "what is not documented wants the admin key")
}

func TestTheDocumentIsJSONInItsOrder(t *testing.T) {
	t.Parallel()
	c, err := contract.Parse([]byte("openapi: 3.0.3\nz: 1\na: [yes, 'true', 2024-08-15, null, 1.5, \"x\\ty\"]\n" +
		"x-go-type: hidden\nb: { x-go-name: hidden, y: true }\n"))
	require.NoError(t, err)
	require.Equal(t, `{"openapi":"3.0.3","z":1,"a":["yes","true","2024-08-15",null,1.5,"x\ty"],"b":{"y":true}}`, string(c.JSON()))
	text, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	whole, err := contract.Parse(text)
	require.NoError(t, err)
	require.True(t, json.Valid(whole.JSON()))
	require.NotContains(t, string(whole.JSON()), "x-go-")
}

func TestADocumentThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"not YAML":             "a: [",
		"of another shape":     "paths: 7",
		"with an alias":        "a: &x 1\nb: *x\n",
		"an unknown parameter": "paths: { /a: { get: { parameters: [{ $ref: '#/components/parameters/Nobody' }] } } }",
	} {
		_, err := contract.Parse([]byte(text))
		require.Error(t, err, name)
		require.False(t, strings.Contains(err.Error(), "panic"), name)
	}
}
