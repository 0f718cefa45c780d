package queryapi

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
)

func TestEveryQueryDeclaresItsPermission(t *testing.T) {
	t.Parallel()
	queries := reflect.TypeFor[ServerInterface]()
	require.Len(t, permissions, queries.NumMethod())
	for i := range queries.NumMethod() {
		name := queries.Method(i).Name
		require.Contains(t, access.Admin.Permissions(), permissions[name], name)
	}
}

func TestAQueryNeedsItsPermission(t *testing.T) {
	t.Parallel()
	for name, needed := range permissions {
		for _, role := range access.Roles() {
			err := requireOf(t, role, name)
			if role.Has(needed) {
				require.NoError(t, err, "%s as %s", name, role)
			} else {
				require.ErrorIs(t, err, access.ErrForbidden, "%s as %s", name, role)
			}
		}
	}
	require.ErrorIs(t, requireOf(t, access.Admin, "ListSecrets"), access.ErrForbidden, "a query that nobody declared")
}

func requireOf(t *testing.T, role access.Role, operationID string) error {
	t.Helper()
	return requirePermission(access.With(t.Context(), access.Principal{Tenant: access.DefaultTenant, Role: role}), operationID)
}
