package catalog_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestPublishingAPlan(t *testing.T) {
	t.Parallel()
	decided, err := plan(t).Publish(product(t, registered()), "pro", terms(), noon)
	require.NoError(t, err)
	require.Equal(t, []event.Payload{published()}, decided)
}

func TestAPublishedPlanHoldsTheDefaultsItWasGiven(t *testing.T) {
	t.Parallel()
	decided, err := plan(t).Publish(product(t, registered()), "pro", catalog.Terms{Name: "Trial", Type: catalog.Trial, MaxMachines: 1}, noon)
	require.NoError(t, err)
	require.Equal(t, catalog.Terms{
		Name: "Trial", Type: catalog.Trial, MaxMachines: 1,
		ValidityStarts: catalog.AtIssue, FingerprintMatch: machine.MatchMost, RebindWindowDays: 365,
	}, decided[0].(catalog.PlanPublished).Terms)
}

func TestPublishingAPlanIsRefused(t *testing.T) {
	t.Parallel()
	_, err := plan(t).Publish(nil, "pro", terms(), noon)
	require.ErrorIs(t, err, catalog.ErrProductNotFound)

	_, err = plan(t, published()).Publish(product(t, registered()), "pro", terms(), noon)
	require.ErrorIs(t, err, catalog.ErrPlanCodeTaken)
	require.ErrorContains(t, err, `"pro"`)

	_, err = plan(t).Publish(product(t, registered()), "PRO", terms(), noon)
	requireInvalid(t, err, "code", "must be 2 to 64 characters of a-z, 0-9 and -")

	_, err = plan(t).Publish(product(t, registered()), "p", catalog.Terms{}, noon)
	require.ErrorContains(t, err, "code must be")
	require.ErrorContains(t, err, "name must be")
	require.ErrorContains(t, err, "max_machines must be", "code and terms are checked together")
}

func TestRevisingAPlan(t *testing.T) {
	t.Parallel()
	better := terms(func(t *catalog.Terms) { t.MaxMachines = 10 })
	given := plan(t, published())
	decided, err := given.Revise(better, noon.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, []event.Payload{catalog.PlanRevised{PlanRevision: 2, Terms: better, RevisedAt: noon.Add(time.Hour)}}, decided)

	next, err := catalog.FoldPlan(given, recorded(t, decided...)...)
	require.NoError(t, err)
	require.Equal(t, 2, next.Revision)
	require.Equal(t, better, next.Terms)
	require.Equal(t, noon.Add(time.Hour), next.RevisedAt)
	require.Equal(t, noon, next.PublishedAt)
	require.Equal(t, 1, given.Revision, "the given plan is left as it is")

	decided, err = next.Revise(catalog.Terms{Name: "P", Type: catalog.Standard, MaxMachines: 1}, noon)
	require.NoError(t, err)
	require.Equal(t, 3, decided[0].(catalog.PlanRevised).PlanRevision)
	require.Equal(t, 365, decided[0].(catalog.PlanRevised).Terms.RebindWindowDays, "a revision has defaults too")
}

func TestRevisingAPlanIsRefused(t *testing.T) {
	t.Parallel()
	_, err := plan(t).Revise(terms(), noon)
	require.ErrorIs(t, err, catalog.ErrPlanNotFound)
	_, err = plan(t, published()).Revise(terms(func(t *catalog.Terms) { t.MaxMachines = 0 }), noon)
	requireInvalid(t, err, "max_machines", "must be 1 to 1000000")
}

func TestAPlanIsFoldedFromItsEvents(t *testing.T) {
	t.Parallel()
	p := plan(t, published())
	require.Equal(t, published().PlanID, p.ID)
	require.Equal(t, published().ProductID, p.ProductID)
	require.Equal(t, "pro", p.Code)
	require.Equal(t, 1, p.Revision)
	require.Equal(t, terms(), p.Terms)
	require.Equal(t, noon, p.PublishedAt)
	require.Equal(t, noon, p.RevisedAt)
	require.Equal(t, event.Revision(1), p.StreamState().Revision)
	require.Equal(t, "acme", p.StreamState().Tenant)
	require.Zero(t, plan(t).StreamState(), "what does not exist has no state")
}

func TestAForeignEventStopsTheFoldOfAPlan(t *testing.T) {
	t.Parallel()
	_, err := catalog.FoldPlan(nil, recorded(t, registered())...)
	require.ErrorContains(t, err, "product.registered.v1")
	require.ErrorContains(t, err, "position 101")
}

func TestAPlansIDDerivesFromItsProductAndCode(t *testing.T) {
	t.Parallel()
	productID := uuid.MustParse("00000000-0000-4000-8000-000000000002")
	id := catalog.PlanID(productID, "pro")
	require.Equal(t, "a08f810a-9c58-579c-9a8e-effd6b1649c3", id.String(), "an id that changes would lose the plan")
	require.NotEqual(t, id, catalog.PlanID(productID, "basic"))
	require.NotEqual(t, id, catalog.PlanID(uuid.MustParse("00000000-0000-4000-8000-000000000003"), "pro"))
	require.Equal(t, "plan-"+id.String(), catalog.PlanStream(id))
}
