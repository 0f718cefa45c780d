package httpapi_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/contract"
)

// commandOf is the command of an operation whose name does not say it.
var commandOf = map[string]string{"deactivateMachine": "Deactivate", "rebind": "RebindMachine"}

// TestTheContractAndTheCommandsNeedTheSamePermissions holds what is documented, and checked when a request comes in, against what the
// commands declare, which is checked again when they run.
func TestTheContractAndTheCommandsNeedTheSamePermissions(t *testing.T) {
	t.Parallel()
	declared, err := newFixture(t).commands.Declared()
	require.NoError(t, err)
	permissions := map[string]access.Permission{}
	for _, d := range declared {
		permissions[d.Name] = d.Permission
	}
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	document, err := contract.Parse(text)
	require.NoError(t, err)
	served := map[string]bool{"RecordDue": true} // by the program itself
	for _, route := range document.Routes() {
		operation, _ := document.Operation(route.Method, route.Path)
		if operation.Side != contract.Command {
			continue
		}
		name, other := commandOf[operation.ID]
		if !other {
			name = strings.ToUpper(operation.ID[:1]) + operation.ID[1:]
		}
		served[name] = true
		if operation.ID == "rebuildProjection" {
			require.Equal(t, access.ProjectionRebuild, operation.Permission)
			continue
		}
		require.Equal(t, permissions[name], operation.Permission, "%s needs what the command %s declares", route, name)
	}
	for name := range permissions {
		require.True(t, served[name], "no endpoint carries out %s", name)
	}
}
