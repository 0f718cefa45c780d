package scenarios_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// repeated is a command, and the same command with another content.
type repeated struct {
	method, path string
	body, other  object
}

func TestARepeatedCommandIsAnsweredLikeTheFirstTimeAndDoneOnce(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, object{"max_machines": 5})
	// Each command finds the state it needs; they stand in an order in which all of them succeed.
	l := v.issue(nil)
	a, b := v.activate(l.Key, built("laptop", nil)), v.activate(l.Key, built("desktop", nil))
	license, product := "/v1/licenses/"+l.ID.String(), "/v1/products/"+v.product.ID.String()
	because, why := object{"reason": "because"}, object{"reason": "why"}
	code := newCode()
	commands := []repeated{
		{"POST", "/v1/products", object{"code": code, "name": "First"}, object{"code": code, "name": "Second"}},
		{"POST", product + "/plans", with(team(), object{"code": "more"}), with(team(), object{"code": "more", "name": "Other"})},
		{"PUT", "/v1/plans/" + v.plan.ID.String(), object{"name": "More", "type": "TRIAL", "max_machines": 3},
			object{"name": "Less", "type": "TRIAL", "max_machines": 3}},
		{"POST", product + "/rotate-key", because, why},
		{"POST", "/v1/licenses", v.order(nil), v.order(object{"max_machines": 1})},
		{"POST", "/v1/activations", object{"license_key": l.Key, "machine": built("tablet", nil)},
			object{"license_key": l.Key, "machine": built("phone", nil)}},
		{
			"POST", "/v1/bindings/" + a.BindingID.String() + "/rebind",
			object{"license_key": l.Key, "machine": built("server", nil), "reason": "new"},
			object{"license_key": l.Key, "machine": built("server", nil), "reason": "old"},
		},
		{"POST", "/v1/activations/" + b.ActivationID.String() + "/deactivate", because, why},
		{"POST", license + "/suspend", because, why},
		{"POST", license + "/reinstate", because, why},
		{"POST", license + "/renew", object{"reason": "because", "extend_days": 1}, object{"reason": "because", "extend_days": 2}},
		{"POST", license + "/reissue-key", because, why},
		{"POST", license + "/revoke", because, why},
	}
	type done struct {
		repeated
		client blackbox.Client
		answer blackbox.Response
	}
	var all []done
	send := func(d done, body object) blackbox.Response {
		if d.method == http.MethodPut {
			return d.client.Put(d.path, body)
		}
		return d.client.Post(d.path, body)
	}
	again := func(d done) {
		answer := send(d, d.body)
		require.True(t, answer.Replayed(), d.path)
		require.Equal(t, d.answer.Status, answer.Status, d.path)
		require.JSONEq(t, string(d.answer.Body), string(answer.Body), d.path)
		require.Equal(t, d.answer.ETag(), answer.ETag(), d.path)
		require.Equal(t, d.answer.Position(), answer.Position(), d.path)
		require.Equal(t, d.answer.Header.Get("Location"), answer.Header.Get("Location"), d.path)
		send(d, d.other).Refused("IDEMPOTENCY_KEY_REUSED")
	}
	for _, c := range commands {
		d := done{repeated: c, client: v.admin.With("Idempotency-Key", newCode())}
		d.answer = send(d, c.body)
		require.Less(t, d.answer.Status, http.StatusBadRequest, "%s: %s", c.path, d.answer.Body)
		require.False(t, d.answer.Replayed(), c.path)
		again(d)
		all = append(all, d)
	}
	events := len(v.events(l))
	for _, d := range all { // however much has happened since
		if d.body["license_key"] == nil { // a key that was replaced opens nothing, not even an answer given before
			again(d)
		}
	}
	require.Len(t, v.events(l), events)
}

func TestAnOperatorsKeyServesOneLicenseOnly(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	one, other := v.issue(nil), v.issue(nil)
	client := v.admin.With("Idempotency-Key", newCode())
	suspend := func(l api.LicenseWithKey) blackbox.Response {
		return client.Post("/v1/licenses/"+l.ID.String()+"/suspend", object{"reason": "because"})
	}
	require.Equal(t, one.ID, blackbox.OK[api.License](suspend(one)).ID)
	suspend(other).Refused("IDEMPOTENCY_KEY_REUSED")
	require.EqualValues(t, "ACTIVE", v.license(other).Status)
	require.True(t, suspend(one).Replayed())
	v.activate(other.Key, built("laptop", nil))
}

// A client that lost the answer to a batch may not repeat it with more in it: what is new would be issued under numbers of the old one.
func TestTheKeyOfABatchServesThatBatchOnly(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	client := v.admin.With("Idempotency-Key", newCode())
	issue := func(n int) blackbox.Response {
		batch := make([]object, n)
		for i := range batch {
			batch[i] = v.order(nil)
		}
		return client.Post("/v1/licenses/batch", object{"licenses": batch})
	}
	first := issue(2)
	require.Equal(t, 2, blackbox.OK[api.BatchOutcome](first).Issued)
	issue(4).Refused("IDEMPOTENCY_KEY_REUSED")
	issue(1).Refused("IDEMPOTENCY_KEY_REUSED")
	again := issue(2)
	require.True(t, again.Replayed())
	require.JSONEq(t, string(first.Body), string(again.Body))
	require.Len(t, v.listed(""), 2)
}

func TestARefusedCommandMayBeRepeatedWithItsKeyWhenItFits(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	client := v.admin.With("Idempotency-Key", newCode())
	reinstate := "/v1/licenses/" + l.ID.String() + "/reinstate"
	client.Post(reinstate, object{"reason": "too early"}).Refused("INVALID_TRANSITION")
	v.changed(l, "suspend", nil)
	require.EqualValues(t, "ACTIVE", blackbox.OK[api.License](client.Post(reinstate, object{"reason": "in time"})).Status)
}

func TestOneKeySentByManyAtOnceIssuesOneLicense(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	client := v.admin.With("Idempotency-Key", newCode())
	answers := make([]blackbox.Response, 32)
	var clients errgroup.Group
	for i := range answers {
		clients.Go(func() (err error) {
			answers[i], err = client.Try(t.Context(), http.MethodPost, "/v1/licenses", v.order(nil))
			return err
		})
	}
	require.NoError(t, clients.Wait())
	fresh := 0
	for _, a := range answers {
		require.Equal(t, http.StatusCreated, a.Status, "%s", a.Body)
		require.JSONEq(t, string(answers[0].Body), string(a.Body))
		if !a.Replayed() {
			fresh++
		}
	}
	require.Equal(t, 1, fresh)
	require.Len(t, v.listed(""), 1)
}

// A licence remembers its latest 256 commands of operators. The claim of a key remembers for good.
func TestACommandThatItsLicenseHasForgottenIsNotCarriedOutTwice(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	key := newCode()
	order := v.order(nil)
	issue := func() blackbox.Response { return v.admin.With("Idempotency-Key", key).Post("/v1/licenses", order) }
	issued := issue()
	l := blackbox.Created[api.LicenseWithKey](issued)
	renew := func(days int) blackbox.Response {
		return v.admin.With("Idempotency-Key", key+"-renewal").
			Post("/v1/licenses/"+l.ID.String()+"/renew", object{"reason": "paid", "extend_days": days})
	}
	renewed := renew(30)
	expiry := blackbox.OK[api.License](renewed).ExpiresAt
	for i := range 257 {
		command := []string{"suspend", "reinstate"}[i%2]
		r, err := v.admin.With("Idempotency-Key", fmt.Sprintf("%s-%d", key, i)).
			Try(t.Context(), http.MethodPost, "/v1/licenses/"+l.ID.String()+"/"+command, object{"reason": "again"})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, r.Status)
	}
	for first, again := range map[*blackbox.Response]blackbox.Response{&issued: issue(), &renewed: renew(30)} {
		require.True(t, again.Replayed())
		require.JSONEq(t, string(first.Body), string(again.Body))
		require.Equal(t, first.ETag(), again.ETag())
	}
	renew(31).Refused("IDEMPOTENCY_KEY_REUSED")
	require.Equal(t, expiry, v.license(l).ExpiresAt)
	require.Len(t, v.listed(""), 1)
}

func TestAnIdempotencyKeyIsPrintable(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	for _, key := range []string{"tab\tinside", "ümlaut", strings.Repeat("x", 256)} {
		v.admin.With("Idempotency-Key", key).Post("/v1/licenses", v.order(nil)).Invalid("Idempotency-Key")
	}
}

// A client that repeats an activation long after must not take the old answer for the state of today.
func TestARepeatedActivationTellsWhatHoldsToday(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	client := v.machine.With("Idempotency-Key", newCode())
	activate := func() (blackbox.Response, api.Activation) {
		r := client.Post("/v1/activations", object{"license_key": l.Key, "machine": fingerprinted("1")})
		return r, blackbox.Created[api.Activation](r)
	}
	_, first := activate()
	require.Nil(t, first.Today)
	again, same := activate()
	require.True(t, again.Replayed())
	require.Equal(t, first, same, "it holds")

	v.changed(l, "suspend", nil)
	_, suspended := activate()
	require.Equal(t, &api.ActivationToday{LicenseStatus: "SUSPENDED", ActivationStatus: "ACTIVE"}, suspended.Today)
	v.changed(l, "reinstate", nil)

	v.deactivate(v.machine, first, object{"license_key": l.Key, "reason": "sold"})
	v.activate(l.Key, fingerprinted("1")) // under another activation
	again, released := activate()
	require.True(t, again.Replayed())
	require.Equal(t, &api.ActivationToday{LicenseStatus: "ACTIVE", ActivationStatus: "ENDED"}, released.Today)
	released.Today = nil
	require.Equal(t, first, released, "all else is the first answer")
}
