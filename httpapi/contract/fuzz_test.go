package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/contract"
)

// FuzzParse feeds documents to the reader of the contract: it refuses or understands them, and what it understands it serves as JSON.
func FuzzParse(f *testing.F) {
	f.Add("paths: { /a: { get: { x-side: query, x-access: { public: true }, operationId: a } } }")
	f.Add("openapi: 3.0.3\na: [yes, null, 1.5]\n")
	f.Add("a: &x 1\nb: *x\n")
	f.Add("paths: { /a: { get: { x-access: { permission: license.read } } } }")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := contract.Parse([]byte(text))
		if err != nil {
			require.Nil(t, c)
			return
		}
		require.True(t, json.Valid(c.JSON()), "%s", c.JSON())
		for _, route := range c.Routes() {
			operation, found := c.Operation(route.Method, route.Path)
			require.True(t, found)
			require.NotEqual(t, operation.Public, operation.Permission != "", "either public or with a permission")
		}
	})
}
