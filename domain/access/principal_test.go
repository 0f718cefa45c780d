package access_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
)

func TestThePrincipalTravelsInTheContext(t *testing.T) {
	t.Parallel()
	admin := access.Principal{Tenant: "acme", Actor: "ada", Role: access.Admin}
	ctx := access.With(t.Context(), admin)
	found, err := access.From(ctx)
	require.NoError(t, err)
	require.Equal(t, admin, found)

	system := access.Principal{Actor: "system", Role: access.System}
	found, err = access.From(access.With(ctx, system))
	require.NoError(t, err)
	require.Equal(t, system, found, "the innermost one acts")
}

func TestAContextWithoutAPrincipalMayDoNothing(t *testing.T) {
	t.Parallel()
	_, err := access.From(context.Background())
	require.ErrorIs(t, err, access.ErrNoPrincipal)
	for _, p := range allPermissions() {
		_, err := access.Require(context.Background(), p)
		require.ErrorIs(t, err, access.ErrNoPrincipal, p)
	}
}

func TestARoleMayDoWhatItsPermissionsSayAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, role := range append(access.Roles(), "auditor", "") {
		acting := access.Principal{Tenant: "acme", Role: role}
		ctx := access.With(t.Context(), acting)
		for _, p := range append(allPermissions(), "license.forge", "") {
			principal, err := access.Require(ctx, p)
			if slices.Contains(role.Permissions(), p) {
				require.NoError(t, err, "%s needs %s", role, p)
				require.Equal(t, acting, principal)
			} else {
				require.ErrorIs(t, err, access.ErrForbidden, "%s needs %s", role, p)
			}
		}
	}
}

// TestTheTableOfRoles is for the eyes of whoever changes it.
func TestTheTableOfRoles(t *testing.T) {
	t.Parallel()
	require.Equal(t, []access.Permission{
		"signing_key.read", "license.validate", "machine.activate", "machine.heartbeat", "machine.release", "machine.rebind",
	}, access.Machine.Permissions(), "what the holder of a licence key may do")
	require.Equal(t, []access.Permission{"license.record_due"}, access.System.Permissions())
	for _, p := range allPermissions() {
		require.Equal(t, p != access.LicenseRecordDue, access.Admin.Has(p), p)
	}
}

// allPermissions are those that some role has.
func allPermissions() []access.Permission {
	var all []access.Permission
	for _, role := range access.Roles() {
		all = append(all, role.Permissions()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestWhoMayTouchWhatBelongsToATenant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		role   access.Role
		tenant string
		may    bool
	}{
		{access.Admin, "acme", true},
		{access.Admin, "globex", false},
		{access.Admin, "", false},
		{access.Machine, "globex", true},
		{access.System, "globex", true},
		{"auditor", "acme", true},
		{"auditor", "globex", false}, // a role that this rule does not know gets no more than an admin
	}
	for _, test := range tests {
		p := access.Principal{Tenant: "acme", Role: test.role}
		require.Equal(t, test.may, p.MayTouch(test.tenant), "%s touches %q", test.role, test.tenant)
	}
}
