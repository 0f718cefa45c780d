package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

func TestALicenceGoesThroughItsWholeLife(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(map[string]any{"features": map[string]any{"export": true}, "price_minor": 49900, "currency": "EUR", "max_rebinds": 1})
	license := "/v1/licenses/" + s.license.ID.String()
	require.Equal(t, license, s.issued.header.Get("Location"))
	require.Equal(t, `"1"`, s.issued.header.Get("ETag"))
	require.Equal(t, api.LicenseStatusACTIVE, s.license.Status)
	require.Equal(t, api.Seats{Used: 0, Limit: 2}, s.license.Seats)

	machine := map[string]any{"license_key": s.license.Key, "machine": laptop("one")}
	first := read[api.Activation](w.ask("POST", "/v1/activations", machine).is(201))
	again := read[api.Activation](w.ask("POST", "/v1/activations", machine).is(200))
	require.Equal(t, first, again, "activating again answers with what there is")
	require.Equal(t, 1, first.Seats.Used)

	question := map[string]any{
		"license_key": s.license.Key, "machine": laptop("one"), "product": "cad-suite", "entitlements": []string{"export"}, "nonce": "n-1",
	}
	verdict := read[api.Verdict](w.ask("POST", "/v1/validate", question).is(200))
	require.True(t, verdict.Valid)
	require.Equal(t, api.VerdictCodeVALID, verdict.Code)
	require.Equal(t, "n-1", *verdict.Nonce)
	require.Equal(t, first.Certificate, *verdict.Certificate)
	require.Equal(t, "license.issued.v1", verdict.DecidedBy[0].Type)
	require.NotZero(t, verdict.DecidedBy[0].Position)

	beat := w.ask("POST", "/v1/activations/"+first.ActivationID.String()+"/heartbeat", machine).is(200)
	require.Equal(t, first.Certificate, read[api.Activation](beat).Certificate)

	moved := w.ask("POST", license+"/bindings/"+first.BindingID.String()+"/rebind",
		map[string]any{"license_key": s.license.Key, "machine": fingerprinted('b'), "reason": "laptop replaced"}).is(200)
	second := read[api.Activation](moved)
	require.NotEqual(t, first.ActivationID, second.ActivationID)
	require.Equal(t, 1, second.Seats.Used)

	suspended := w.admin("POST", license+"/suspend", because("payment overdue")).is(200)
	require.Equal(t, api.LicenseStatusSUSPENDED, read[api.License](suspended).Status)
	verdict = read[api.Verdict](w.ask("POST", "/v1/validate", question).is(200))
	require.Equal(t, api.VerdictCodeLICENSESUSPENDED, verdict.Code)
	require.Equal(t, "license.suspended.v1", verdict.DecidedBy[0].Type)
	w.admin("POST", license+"/reinstate", because("paid")).is(200)
	renewed := read[api.License](w.admin("POST", license+"/renew", map[string]any{"reason": "a year more", "extend_days": 365}).is(200))
	require.Equal(t, s.license.ExpiresAt.Add(365*24*time.Hour), *renewed.ExpiresAt)

	reissued := w.admin("POST", license+"/reissue-key", because("leaked")).is(200)
	key := read[api.IssuedLicense](reissued).Key
	require.NotEqual(t, s.license.Key, key)
	w.ask("POST", "/v1/activations", machine).refused(422, api.ProblemCodeLICENSEKEYINVALID)

	gone := w.admin("POST", license+"/activations/"+second.ActivationID.String()+"/deactivate", because("returned")).is(200)
	require.Equal(t, api.Seats{Used: 0, Limit: 2}, read[api.Deactivation](gone).Seats)
	revoked := w.admin("POST", license+"/revoke", because("charged back")).is(200)
	require.Equal(t, api.LicenseStatusREVOKED, read[api.License](revoked).Status)

	shown := w.admin("GET", license, nil, revoked.at()).is(200)
	require.Equal(t, read[api.License](revoked), read[api.License](shown), "query and command describe a licence alike")
	require.Equal(t, revoked.header.Get("ETag"), shown.header.Get("ETag"))

	history := read[api.HistoryPage](w.admin("GET", license+"/history", nil, revoked.at()).is(200))
	var happened []string
	for _, entry := range history.Items {
		happened = append(happened, entry.Type)
	}
	require.Equal(t, []string{
		"license.issued.v1", "binding.machine_bound.v1", "activation.granted.v1",
		"activation.ended.v1", "binding.machine_rebound.v1", "activation.granted.v1",
		"license.suspended.v1", "license.reinstated.v1", "license.renewed.v1", "license.key_reissued.v1",
		"activation.ended.v1", "binding.machine_released.v1", "license.revoked.v1",
	}, happened)
	require.Equal(t, "charged back", *history.Items[len(history.Items)-1].Reason)

	machines := read[api.MachinePage](w.admin("GET", license+"/machines", nil, revoked.at()).is(200))
	require.Len(t, machines.Items, 1)
	require.Equal(t, api.RELEASED, machines.Items[0].Status)
	require.Equal(t, second.ActivationID, machines.Items[0].Activation.ID)
}

func TestTheCatalogueIsShownAsItWasAnsweredToCommands(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	registered := w.admin("POST", "/v1/products", map[string]any{
		"code": "cad-suite", "name": "CAD Suite", "signing_algorithm": "rsa2048", "offline_days": 7,
		"max_machines_per_license": 3, "platforms": []string{"linux/amd64"},
	}).is(201)
	product := read[api.Product](registered)
	path := "/v1/products/" + product.ID.String()
	require.Equal(t, path, registered.header.Get("Location"))

	rotated := w.admin("POST", path+"/rotate-key", because("yearly")).is(200)
	require.NotEqual(t, product.SigningKeyID, read[api.Product](rotated).SigningKeyID)
	shown := w.admin("GET", path, nil, rotated.at()).is(200)
	require.Equal(t, read[api.Product](rotated), read[api.Product](shown))
	require.Equal(t, `"2"`, shown.header.Get("ETag"))
	require.Equal(t, []api.Product{read[api.Product](rotated)}, read[api.ProductPage](w.admin("GET", "/v1/products", nil).is(200)).Items)

	keys := w.ask("GET", path+"/jwks.json", nil).is(200)
	require.Equal(t, "public, max-age=300", keys.header.Get("Cache-Control"))
	set := read[struct {
		Keys []struct{ Kid string }
	}](keys)
	require.Len(t, set.Keys, 2, "the key before stays good for verifying")

	published := w.admin("POST", path+"/plans", map[string]any{
		"code": "team", "name": "Team", "type": "TRIAL", "max_machines": 5, "lease_seconds": 60, "fingerprint_match": "ALL",
		"validity_days": 30, "validity_starts": "FIRST_ACTIVATION", "features": map[string]any{"seats": 5, "beta": true, "edition": "pro"},
		"price_minor": 100, "currency": "EUR", "max_rebinds": 0, "rebind_window_days": 10,
	}).is(201)
	plan := read[api.Plan](published)
	require.Equal(t, "/v1/plans/"+plan.ID.String(), published.header.Get("Location"))
	require.Nil(t, plan.RevisedAt)
	require.Equal(t, plan, read[api.Plan](w.admin("GET", "/v1/plans/"+plan.ID.String(), nil, published.at()).is(200)))

	revised := w.admin("PUT", "/v1/plans/"+plan.ID.String(), map[string]any{
		"name": "Team", "type": "STANDARD", "max_machines": 1, "validity_days": nil, "features": nil, "lease_seconds": nil,
	}, header{"If-Match", published.header.Get("ETag")}).is(200)
	plan = read[api.Plan](revised)
	require.Equal(t, api.Features{}, plan.Features)
	require.Nil(t, plan.ValidityDays)
	require.NotNil(t, plan.RevisedAt)
	require.Equal(t, 365, plan.RebindWindowDays)
	list := read[api.PlanPage](w.admin("GET", "/v1/plans?product=cad-suite", nil, revised.at()).is(200))
	require.Equal(t, []api.Plan{plan}, list.Items)
	require.Empty(t, read[api.PlanPage](w.admin("GET", "/v1/plans?product=other", nil).is(200)).Items)
}

func TestABatchIssuesEachLicenceOnItsOwn(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.sell(nil)
	broken, elsewhere := order(), order()
	broken["customer"] = map[string]any{"name": "Nobody", "email": "not an address"}
	elsewhere["plan"] = "unknown"
	batch := map[string]any{"licenses": []any{order(), broken, elsewhere, order()}}
	answered := w.admin("POST", "/v1/licenses/batch", batch, header{"Idempotency-Key", "batch-1"}).is(200)
	outcome := read[api.BatchOutcome](answered)
	require.Equal(t, 2, outcome.Issued)
	require.Equal(t, 2, outcome.Refused)
	require.NotEmpty(t, outcome.Outcomes[0].License.Key)
	require.Equal(t, "customer.email", outcome.Outcomes[1].Problem.Errors[0].Field)
	require.Equal(t, api.ProblemCodeNOTFOUND, outcome.Outcomes[2].Problem.Code)
	require.NotEqual(t, outcome.Outcomes[0].License.ID, outcome.Outcomes[3].License.ID)
	require.Empty(t, answered.header.Get("Idempotency-Replayed"))

	repeated := w.admin("POST", "/v1/licenses/batch", batch, header{"Idempotency-Key", "batch-1"}).is(200)
	require.Equal(t, "true", repeated.header.Get("Idempotency-Replayed"))
	require.Equal(t, outcome.Outcomes[3].License, read[api.BatchOutcome](repeated).Outcomes[3].License)
	require.Equal(t, answered.at(), repeated.at())
}

func TestARepeatedCommandIsAnsweredLikeTheFirstTime(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	s := w.sell(nil)
	machine := map[string]any{"license_key": s.license.Key, "machine": laptop("one")}
	first := w.ask("POST", "/v1/activations", machine, header{"Idempotency-Key", "a-1"}).is(201)
	again := w.ask("POST", "/v1/activations", machine, header{"Idempotency-Key", "a-1"}).is(201)
	require.Equal(t, string(first.body), string(again.body))
	require.Equal(t, first.at(), again.at())
	require.Equal(t, first.header.Get("ETag"), again.header.Get("ETag"))
	require.Empty(t, first.header.Get("Idempotency-Replayed"))
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))

	machine["machine"] = laptop("two")
	w.ask("POST", "/v1/activations", machine, header{"Idempotency-Key", "a-1"}).refused(422, api.ProblemCodeIDEMPOTENCYKEYREUSED)
}

func TestLicencesAreFilteredSortedAndPaged(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.sell(nil)
	var last answer
	for _, name := range []string{"Carl", "Berta", "Anton"} {
		other := order()
		other["customer"] = map[string]any{"name": name, "email": name + "@example.com"}
		last = w.admin("POST", "/v1/licenses", other).is(201)
	}
	names := func(query string) []string {
		t.Helper()
		var found []string
		for path := "/v1/licenses?" + query; path != ""; {
			a := w.admin("GET", path, nil, last.at()).is(200)
			page := read[api.LicensePage](a)
			for _, l := range page.Items {
				found = append(found, l.Customer.Name)
			}
			path = nextPath(a.header)
			require.Equal(t, page.NextCursor != nil, path != "")
		}
		return found
	}
	require.Equal(t, []string{"Anton", "Berta", "Carl", "Ada Lovelace"}, names("limit=2"), "the newest first")
	require.Equal(t, []string{"Ada Lovelace", "Anton", "Berta", "Carl"}, names("sort=customer_name&limit=3"))
	require.Equal(t, []string{"Berta"}, names("customer=berta@example.com"))
	require.Equal(t, []string{"Ada Lovelace"}, names("q=love&status=ACTIVE&product=cad-suite&plan=team"))
	require.Empty(t, names("status=REVOKED"))
}

// nextPath is where the Link header says that the next page is.
func nextPath(h http.Header) string {
	link := h.Get("Link")
	if link == "" {
		return ""
	}
	return link[1 : len(link)-len(`>; rel="next"`)]
}
