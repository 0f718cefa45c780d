package scenarios_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func TestAnIssuedLicenseHasAKeyAndLivesByItsPlan(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_rebinds": 4, "rebind_window_days": 100, "fingerprint_match": "TWO"})
	answer := v.admin.Post("/v1/licenses", v.order(object{"metadata": object{"order": "2024-0815"}}))
	issued := blackbox.Created[api.LicenseWithKey](answer)

	require.Regexp(t, regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){4}$`), issued.Key)
	require.Equal(t, api.LicenseStatus("ACTIVE"), issued.Status)
	require.Equal(t, v.product.Code, issued.Product.Code)
	require.Equal(t, v.plan.ID, issued.Plan.ID)
	require.Equal(t, &api.Customer{Name: "Ada Byron", Email: "ada@example.com"}, issued.Customer)
	require.Equal(t, api.Metadata{"order": "2024-0815"}, issued.Metadata)
	require.Equal(t, api.Seats{Used: 0, Limit: 2}, issued.Seats)
	require.Equal(t, 4, *issued.Policy.MaxRebinds)
	require.Equal(t, api.FingerprintMatch("TWO"), issued.Policy.FingerprintMatch)
	require.WithinDuration(t, issued.IssuedAt.AddDate(0, 0, 365), *issued.ExpiresAt, 25*time.Hour)
	require.Equal(t, "/v1/licenses/"+issued.ID.String(), answer.Header.Get("Location"))
	require.Equal(t, `"1"`, answer.ETag())

	shown := v.admin.Seeing(answer.Position()).Get(answer.Header.Get("Location"))
	require.Equal(t, issued.License, blackbox.OK[api.License](shown))
	require.NotContains(t, string(shown.Body), issued.Key)
}

func TestALicenseCanEndWhenTheVendorSays(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	at := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Microsecond)
	issued := v.issue(object{"expires_at": at.Format(time.RFC3339Nano), "product": v.product.ID.String(), "plan": v.plan.ID.String()})
	require.Equal(t, at, *issued.ExpiresAt)
	require.Equal(t, at, *v.license(issued).ExpiresAt)
}

func TestValidityMayBeginWithTheFirstActivation(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"validity_days": 30, "validity_starts": "FIRST_ACTIVATION"})
	issued := v.issue(nil)
	require.Nil(t, issued.ExpiresAt)
	activated := v.activate(issued.Key, fingerprinted("first"))
	shown := v.license(issued)
	require.WithinDuration(t, time.Now().Add(30*24*time.Hour), *shown.ExpiresAt, time.Hour)
	require.False(t, activated.ExpiresAt.After(*shown.ExpiresAt))
	v.activate(issued.Key, fingerprinted("second"))
	require.Equal(t, shown.ExpiresAt, v.license(issued).ExpiresAt)
	require.Equal(t, []string{
		"license.issued.v1", "license.validity_started.v1", "binding.machine_bound.v1", "activation.granted.v1",
		"binding.machine_bound.v1", "activation.granted.v1",
	}, types(v.events(issued)))
}

func TestALicenseThatBreaksRulesIsRefusedWithTheFieldsNamed(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	v.admin.Post("/v1/licenses", v.order(object{
		"customer": object{"name": "", "email": "nobody"}, "max_machines": 0, "expires_at": "2001-01-01T00:00:00Z",
	})).Invalid("customer.name", "customer.email", "max_machines", "expires_at")
}

func TestABatchIssuesWhatItCanAndSaysWhatItCannot(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	answer := v.admin.Post("/v1/licenses/batch", object{"licenses": []object{
		v.order(nil),
		v.order(object{"plan": "no-such-plan"}),
		v.order(object{"customer": object{"name": "Nobody", "email": "nobody"}}),
		v.order(object{"max_machines": 1}),
	}})
	batch := blackbox.OK[api.BatchOutcome](answer)
	require.Equal(t, 2, batch.Issued)
	require.Equal(t, 2, batch.Refused)
	require.Len(t, batch.Outcomes, 4)
	require.EqualValues(t, "NOT_FOUND", batch.Outcomes[1].Problem.Code)
	require.EqualValues(t, "INVALID_REQUEST", batch.Outcomes[2].Problem.Code)
	require.Equal(t, "customer.email", batch.Outcomes[2].Problem.Errors[0].Field)
	for i, seats := range map[int]int{0: 2, 3: 1} {
		require.Nil(t, batch.Outcomes[i].Problem)
		issued := *batch.Outcomes[i].License
		require.Equal(t, seats, issued.Seats.Limit)
		require.Equal(t, issued.License, blackbox.OK[api.License](v.admin.Seeing(answer.Position()).Get("/v1/licenses/"+issued.ID.String())))
		v.activate(issued.Key, fingerprinted("any"))
	}
}

func TestABatchOfAThousandIsIssuedAndOneMoreIsRefused(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	var orders []object
	for range 1000 {
		orders = append(orders, v.order(nil))
	}
	batch := blackbox.OK[api.BatchOutcome](v.admin.Post("/v1/licenses/batch", object{"licenses": orders}))
	require.Equal(t, 1000, batch.Issued)
	keys := map[string]bool{}
	for _, o := range batch.Outcomes {
		keys[o.License.Key] = true
	}
	require.Len(t, keys, 1000)
	v.admin.Post("/v1/licenses/batch", object{"licenses": append(orders, v.order(nil))}).Invalid("licenses")
	v.admin.Post("/v1/licenses/batch", object{"licenses": []object{}}).Invalid("licenses")
}

func TestRepeatingABatchIssuesNothingTwice(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	client := v.admin.With("Idempotency-Key", newCode())
	batch := object{"licenses": []object{v.order(nil), v.order(object{"plan": "no-such-plan"}), v.order(nil)}}
	first := client.Post("/v1/licenses/batch", batch)
	again := client.Post("/v1/licenses/batch", batch)
	require.False(t, first.Replayed())
	require.True(t, again.Replayed())
	require.Equal(t, first.Position(), again.Position())
	ids := func(r blackbox.Response) (all []string) {
		for _, o := range blackbox.OK[api.BatchOutcome](r).Outcomes {
			if o.License != nil {
				text, err := json.Marshal(o.License)
				require.NoError(t, err)
				all = append(all, string(text))
			}
		}
		return all
	}
	require.Equal(t, ids(first), ids(again))
	require.Len(t, blackbox.OK[api.LicensePage](v.upToDate().Get("/v1/licenses?product="+v.product.Code)).Items, 2)
}
