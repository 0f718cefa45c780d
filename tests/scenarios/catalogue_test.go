package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func TestAProductIsShownAsItWasRegistered(t *testing.T) {
	t.Parallel()
	admin := fixture.shared.Admin(t)
	code := newCode()
	answer := admin.Post("/v1/products", object{
		"code": code, "name": "CAD Suite", "signing_algorithm": "ed25519", "offline_days": 7, "max_machines_per_license": 9,
		"platforms": []string{"linux/amd64", "windows/amd64"},
	})
	registered := blackbox.Created[api.Product](answer)
	require.Equal(t, code, registered.Code)
	require.Equal(t, 7, registered.OfflineDays)
	require.Equal(t, 9, *registered.MaxMachinesPerLicense)
	require.Equal(t, []string{"linux/amd64", "windows/amd64"}, registered.Platforms)
	require.Equal(t, `"1"`, answer.ETag())
	require.Equal(t, "/v1/products/"+registered.ID.String(), answer.Header.Get("Location"))

	shown := admin.Seeing(answer.Position()).Get(answer.Header.Get("Location"))
	require.Equal(t, registered, blackbox.OK[api.Product](shown))
	require.Equal(t, answer.ETag(), shown.ETag())
}

func TestAProductNeedsNoMoreThanACodeAndAName(t *testing.T) {
	t.Parallel()
	admin := fixture.shared.Admin(t)
	product := blackbox.Created[api.Product](admin.Post("/v1/products", object{
		"code": newCode(), "name": "Plain", "offline_days": nil, "platforms": nil,
	}))
	require.Equal(t, api.SigningAlgorithm("ed25519"), product.SigningAlgorithm)
	require.Equal(t, 3, product.OfflineDays)
	require.Nil(t, product.MaxMachinesPerLicense)
	require.Empty(t, product.Platforms)
}

func TestAProductCodeIsTakenOnce(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	v.admin.Post("/v1/products", object{"code": v.product.Code, "name": "Another"}).Refused("PRODUCT_CODE_TAKEN")
}

func TestAProductThatBreaksRulesIsRefusedWithTheFieldsNamed(t *testing.T) {
	t.Parallel()
	admin := fixture.shared.Admin(t)
	admin.Post("/v1/products", object{
		"code": "Not A Code", "name": "", "offline_days": 0, "max_machines_per_license": 0, "signing_algorithm": "rot13",
	}).Invalid("code", "name", "offline_days", "max_machines_per_license", "signing_algorithm")
}

func TestAPlanIsShownAsItWasPublished(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	answer := v.admin.Post("/v1/products/"+v.product.ID.String()+"/plans", object{
		"code": "floating", "name": "Floating", "type": "ENTERPRISE", "max_machines": 10, "validity_days": 30,
		"validity_starts": "FIRST_ACTIVATION", "features": object{"export": true, "projects": 50.5, "edition": "pro"},
		"price_minor": 49900, "currency": "EUR", "lease_seconds": 60, "fingerprint_match": "TWO", "max_rebinds": 0, "rebind_window_days": 10,
	})
	published := blackbox.Created[api.Plan](answer)
	require.Equal(t, v.product.ID, published.ProductID)
	require.Equal(t, api.Features{"export": true, "projects": 50.5, "edition": "pro"}, published.Features)
	require.Equal(t, int64(49900), *published.PriceMinor)
	require.Equal(t, 60, *published.LeaseSeconds)
	require.Equal(t, 0, *published.MaxRebinds)
	require.Nil(t, published.RevisedAt)

	shown := v.admin.Seeing(answer.Position()).Get("/v1/plans/" + published.ID.String())
	require.Equal(t, published, blackbox.OK[api.Plan](shown))
	require.Equal(t, answer.ETag(), shown.ETag())
}

func TestAPlanCodeIsTakenOncePerProduct(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	v.admin.Post("/v1/products/"+v.product.ID.String()+"/plans", team()).Refused("PLAN_CODE_TAKEN")
	newTenantClient(t, nil) // another product with a plan of the same code
}

func TestAPlanThatBreaksRulesIsRefusedWithTheFieldsNamed(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	plans := "/v1/products/" + v.product.ID.String() + "/plans"
	v.admin.Post(plans, object{"code": "?", "name": "", "type": "FREE", "max_machines": 0}).
		Invalid("code", "name", "type", "max_machines")
	v.admin.Post(plans, with(team(), object{"code": "other", "price_minor": 100})).Invalid("currency")
	v.admin.Post(plans, with(team(), object{"code": "other", "lease_seconds": 29})).Invalid("lease_seconds")
	v.admin.Post(plans, with(team(), object{"code": "other", "features": object{"nested": object{}}})).Invalid("features.nested")
}

func TestARevisedPlanCountsForLicensesIssuedFromThenOn(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 2})
	before := v.issue(nil)
	answer := v.admin.Put("/v1/plans/"+v.plan.ID.String(), object{"name": "Team", "type": "PROFESSIONAL", "max_machines": 7,
		"features": object{"export": false}})
	revised := blackbox.OK[api.Plan](answer)
	require.EqualValues(t, 2, revised.Revision)
	require.NotNil(t, revised.RevisedAt)
	require.Nil(t, revised.ValidityDays)
	after := v.issue(nil)

	require.Equal(t, 1, before.Plan.Revision)
	require.Equal(t, 2, v.license(before).Seats.Limit)
	require.Equal(t, true, v.license(before).Features["export"])
	require.Equal(t, 2, after.Plan.Revision)
	require.Equal(t, 7, v.license(after).Seats.Limit)
	require.Nil(t, after.ExpiresAt)
	require.Equal(t, revised, blackbox.OK[api.Plan](v.admin.Seeing(answer.Position()).Get("/v1/plans/"+v.plan.ID.String())))
}

func TestPlansAreListedByProduct(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	second := blackbox.Created[api.Plan](v.admin.Post("/v1/products/"+v.product.ID.String()+"/plans", with(team(), object{"code": "second"})))
	for _, product := range []string{v.product.Code, v.product.ID.String()} {
		page := blackbox.OK[api.PlanPage](v.upToDate().Get("/v1/plans?product=" + product))
		require.Equal(t, []api.Plan{v.plan, second}, page.Items)
		require.Nil(t, page.NextCursor)
	}
	require.Empty(t, blackbox.OK[api.PlanPage](v.admin.Get("/v1/plans?product="+newCode())).Items)
}

func TestProductsAreListedInTheOrderOfTheirRegistration(t *testing.T) {
	t.Parallel()
	first, second := newTenantClient(t, nil), newTenantClient(t, nil)
	var codes []string
	for cursor := ""; ; {
		page := blackbox.OK[api.ProductPage](second.upToDate().Get("/v1/products?limit=200" + cursor))
		for _, p := range page.Items {
			codes = append(codes, p.Code)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	require.Subset(t, codes, []string{first.product.Code, second.product.Code})
	require.Less(t, indexOf(codes, first.product.Code), indexOf(codes, second.product.Code))
}

func indexOf(all []string, one string) int {
	for i, s := range all {
		if s == one {
			return i
		}
	}
	return -1
}

func TestWhatIsNotInTheCatalogueIsNotFound(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	nobody := "00000000-0000-4000-8000-000000000000"
	v.admin.Get("/v1/products/" + nobody).Refused("NOT_FOUND")
	v.admin.Get("/v1/plans/" + nobody).Refused("NOT_FOUND")
	v.machine.Get("/v1/products/" + nobody + "/jwks.json").Refused("NOT_FOUND")
	v.admin.Post("/v1/products/"+nobody+"/plans", team()).Refused("NOT_FOUND")
	v.admin.Post("/v1/products/"+nobody+"/rotate-key", object{"reason": "why not"}).Refused("NOT_FOUND")
	v.admin.Put("/v1/plans/"+nobody, object{"name": "Team", "type": "TRIAL", "max_machines": 1}).Refused("NOT_FOUND")
	v.admin.Post("/v1/licenses", v.order(object{"product": newCode()})).Refused("NOT_FOUND")
	v.admin.Post("/v1/licenses", v.order(object{"plan": "no-such-plan"})).Refused("NOT_FOUND")
	v.admin.Post("/v1/licenses", v.order(object{"plan": newTenantClient(t, nil).plan.ID.String()})).Refused("NOT_FOUND")
}
