package tenancy_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/tenancy"
)

func TestThePrincipalTravelsInTheContext(t *testing.T) {
	t.Parallel()
	admin := tenancy.Principal{Tenant: "acme", Actor: "ada", Role: tenancy.Admin}
	ctx := tenancy.With(t.Context(), admin)
	found, err := tenancy.From(ctx)
	require.NoError(t, err)
	require.Equal(t, admin, found)

	system := tenancy.Principal{Actor: "system", Role: tenancy.System}
	found, err = tenancy.From(tenancy.With(ctx, system))
	require.NoError(t, err)
	require.Equal(t, system, found, "the innermost one acts")
}

func TestAContextWithoutAPrincipalMayDoNothing(t *testing.T) {
	t.Parallel()
	_, err := tenancy.From(context.Background())
	require.ErrorIs(t, err, tenancy.ErrNoPrincipal)
	require.ErrorIs(t, tenancy.Require(context.Background(), tenancy.Admin, tenancy.Machine, tenancy.System), tenancy.ErrNoPrincipal)
}

func TestARoleIsRequired(t *testing.T) {
	t.Parallel()
	roles := []tenancy.Role{tenancy.Admin, tenancy.Machine, tenancy.System}
	for _, role := range roles {
		ctx := tenancy.With(t.Context(), tenancy.Principal{Tenant: "acme", Role: role})
		for _, required := range roles {
			err := tenancy.Require(ctx, required)
			if role == required {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tenancy.ErrForbidden)
			}
		}
		require.NoError(t, tenancy.Require(ctx, roles...), "one of several is enough")
		require.ErrorIs(t, tenancy.Require(ctx), tenancy.ErrForbidden)
	}
}

func TestWhoMayTouchWhatBelongsToATenant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		role   tenancy.Role
		tenant string
		may    bool
	}{
		{tenancy.Admin, "acme", true},
		{tenancy.Admin, "globex", false},
		{tenancy.Admin, "", false},
		{tenancy.Machine, "globex", true},
		{tenancy.System, "globex", true},
		{"auditor", "acme", true},
		{"auditor", "globex", false}, // a role that this rule does not know gets no more than an admin
	}
	for _, test := range tests {
		p := tenancy.Principal{Tenant: "acme", Role: test.role}
		require.Equal(t, test.may, p.MayTouch(test.tenant), "%s touches %q", test.role, test.tenant)
	}
}
