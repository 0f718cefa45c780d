package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

// The clients of all scenarios check that a refused request left no event of its own. Here nobody else is about, so the
// ledger's head must not move at all.
func TestARefusalAppendsNothing(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	v := newTenantClientOn(t, server, nil, object{"max_machines": 1, "max_rebinds": 0})
	l, suspended, revoked, expired := v.issue(nil), v.issue(nil), v.issue(nil), v.issue(object{"expires_at": in(soon)})
	a := v.activate(l.Key, fingerprinted("laptop"))
	v.changed(suspended, "suspend", nil)
	v.changed(revoked, "revoke", nil)
	v.await(expired, "license.expired.v2", 0)
	reissued := v.issue(nil)
	blackbox.OK[api.LicenseWithKey](v.change(reissued, "reissue-key", nil))
	used := v.admin.With("Idempotency-Key", "used")
	blackbox.Created[api.LicenseWithKey](used.Post("/v1/licenses", v.order(nil)))

	before := head(t, v.admin)
	license := "/v1/licenses/" + l.ID.String()
	for _, refused := range []struct {
		code   api.ProblemCode
		answer func() blackbox.Response
	}{
		{"INVALID_REQUEST", func() blackbox.Response { return v.admin.Post("/v1/licenses", object{}) }},
		{"INVALID_REQUEST", func() blackbox.Response { return v.change(l, "renew", nil) }},
		{"UNAUTHENTICATED", func() blackbox.Response { return v.machine.Post(license+"/suspend", object{"reason": "because"}) }},
		{"NOT_FOUND", func() blackbox.Response { return v.admin.Post("/v1/licenses", v.order(object{"plan": "none"})) }},
		{"LICENSE_NOT_FOUND", func() blackbox.Response { return v.change(api.LicenseWithKey{}, "suspend", nil) }},
		{"PRODUCT_CODE_TAKEN", func() blackbox.Response {
			return v.admin.Post("/v1/products", object{"code": v.product.Code, "name": "Again"})
		}},
		{"PLAN_CODE_TAKEN", func() blackbox.Response { return v.admin.Post("/v1/products/"+v.product.ID.String()+"/plans", team()) }},
		{"PRECONDITION_FAILED", func() blackbox.Response {
			return v.admin.With("If-Match", `"1"`).Post(license+"/suspend", object{"reason": "because"})
		}},
		{"LICENSE_KEY_INVALID", func() blackbox.Response { return v.tryActivate(mistyped(l.Key), fingerprinted("x")) }},
		{"LICENSE_KEY_INVALID", func() blackbox.Response { return v.tryActivate(reissued.Key, fingerprinted("x")) }},
		{"LICENSE_SUSPENDED", func() blackbox.Response { return v.tryActivate(suspended.Key, fingerprinted("x")) }},
		{"LICENSE_REVOKED", func() blackbox.Response { return v.tryActivate(revoked.Key, fingerprinted("x")) }},
		{"LICENSE_EXPIRED", func() blackbox.Response { return v.tryActivate(expired.Key, fingerprinted("x")) }},
		{"SEAT_LIMIT_REACHED", func() blackbox.Response { return v.tryActivate(l.Key, fingerprinted("x")) }},
		{"FINGERPRINT_MISMATCH", func() blackbox.Response { return v.heartbeat(a, l.Key, fingerprinted("x")) }},
		{"MACHINE_ALREADY_BOUND", func() blackbox.Response {
			return v.rebind(v.admin, a, object{"machine": fingerprinted("laptop")})
		}},
		{"REBIND_LIMIT_REACHED", func() blackbox.Response {
			return v.rebind(v.machine, a, object{"license_key": l.Key, "machine": fingerprinted("x")})
		}},
		{"INVALID_TRANSITION", func() blackbox.Response { return v.change(l, "reinstate", nil) }},
		{"IDEMPOTENCY_KEY_REUSED", func() blackbox.Response { return used.Post("/v1/licenses", v.order(object{"max_machines": 1})) }},
	} {
		refused.answer().Refused(refused.code)
		require.Equal(t, before, head(t, v.admin), refused.code)
	}
	// Neither does a question, whatever its answer.
	for _, key := range []string{l.Key, suspended.Key, revoked.Key, expired.Key, reissued.Key, mistyped(l.Key)} {
		v.validate(object{"license_key": key, "machine": fingerprinted("laptop")})
	}
	require.Equal(t, before, head(t, v.admin))
}
