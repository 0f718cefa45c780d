package commandapi

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// index knows a licence once it has been waited for.
type index struct {
	license  uuid.UUID
	behind   bool
	waited   []uint64
	failWith error
}

func (i *index) find(_ context.Context, tenant string, _ uuid.UUID) (uuid.UUID, error) {
	if i.behind || tenant != access.DefaultTenant {
		return uuid.UUID{}, store.ErrNotFound
	}
	return i.license, nil
}

func (i *index) LicenseOfActivation(ctx context.Context, tenant string, id uuid.UUID) (uuid.UUID, error) {
	return i.find(ctx, tenant, id)
}

func (i *index) LicenseOfBinding(ctx context.Context, tenant string, id uuid.UUID) (uuid.UUID, error) {
	return i.find(ctx, tenant, id)
}

func (i *index) Status(context.Context) ([]store.ProjectionStatus, error) { return nil, nil }

func (i *index) RequestRebuild(context.Context, string) error { return nil }

func (i *index) Await(_ context.Context, _ []string, position uint64) error {
	i.waited = append(i.waited, position)
	i.behind = false
	return i.failWith
}

func as(t *testing.T, role access.Role, tenant string) context.Context {
	t.Helper()
	return access.With(t.Context(), access.Principal{Tenant: tenant, Role: role})
}

func serverWith(i *index) server {
	head := func(context.Context) (event.Position, error) { return 42, nil }
	return server{Config{Machines: i, Head: head, Projections: i, WaitTimeout: time.Minute}}
}

func TestAnIndexThatKnowsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	i := &index{license: uuid.New()}
	found, err := serverWith(i).licenseOf(as(t, access.Admin, access.DefaultTenant), uuid.New(), i.find)
	require.NoError(t, err)
	require.Equal(t, i.license, found)
	require.Empty(t, i.waited)
}

func TestAnIndexThatIsBehindIsAskedAgainOnceItHasCaughtUp(t *testing.T) {
	t.Parallel()
	i := &index{license: uuid.New(), behind: true}
	found, err := serverWith(i).licenseOf(as(t, access.Admin, access.DefaultTenant), uuid.New(), i.find)
	require.NoError(t, err)
	require.Equal(t, i.license, found)
	require.Equal(t, []uint64{42}, i.waited, "the head of the ledger")
}

func TestAnIndexThatDoesNotCatchUpIsAProblem(t *testing.T) {
	t.Parallel()
	i := &index{behind: true, failWith: store.ErrNotReached}
	_, err := serverWith(i).licenseOf(as(t, access.Admin, access.DefaultTenant), uuid.New(), i.find)
	require.ErrorIs(t, err, store.ErrNotReached)
}

func TestALicenceOfAnotherTenantIsNotFound(t *testing.T) {
	t.Parallel()
	i := &index{license: uuid.New()}
	_, err := serverWith(i).licenseOf(as(t, access.Admin, "another"), uuid.New(), i.find)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestAMachineMustShowItsLicenceKey(t *testing.T) {
	t.Parallel()
	_, err := serverWith(&index{}).keyOf(as(t, access.Machine, ""), nil)
	require.ErrorIs(t, err, problem.ErrLicenseKeyMissing)
	key, err := serverWith(&index{}).keyOf(as(t, access.Admin, access.DefaultTenant), nil)
	require.NoError(t, err)
	require.True(t, key.IsZero())
}
