package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

func TestAConditionalCommandIsRefusedWhenTheLicenseHasChanged(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	path := "/v1/licenses/" + l.ID.String()
	seen := v.upToDate().Get(path).ETag()
	suspended := v.admin.With("If-Match", seen).Post(path+"/suspend", object{"reason": "seen"})
	blackbox.OK[api.License](suspended)
	require.NotEqual(t, seen, suspended.ETag())
	v.admin.With("If-Match", seen).Post(path+"/reinstate", object{"reason": "stale"}).Refused("PRECONDITION_FAILED")
	require.Len(t, v.events(l), 2)
	blackbox.OK[api.License](v.admin.With("If-Match", suspended.ETag()).Post(path+"/reinstate", object{"reason": "fresh"}))
	blackbox.OK[api.License](v.admin.With("If-Match", "*").Post(path+"/suspend", object{"reason": "any"}))
	v.admin.With("If-Match", "7").Post(path+"/reinstate", object{"reason": "unquoted"}).Invalid("If-Match")
}

func TestEveryKindOfCommandCanBeConditional(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	a := v.activate(l.Key, fingerprinted("laptop"))
	license, product := "/v1/licenses/"+l.ID.String(), "/v1/products/"+v.product.ID.String()
	activation := "/v1/activations/" + a.ActivationID.String()
	machine := object{"license_key": l.Key, "machine": fingerprinted("desktop")}
	for path, body := range map[string]object{
		license + "/suspend":     {"reason": "?"},
		license + "/revoke":      {"reason": "?"},
		license + "/renew":       {"reason": "?", "extend_days": 1},
		license + "/reissue-key": {"reason": "?"},
		product + "/rotate-key":  {"reason": "?"},
		product + "/plans":       with(team(), object{"code": "another"}),
		"/v1/products":           {"code": newCode(), "name": "Another"},
		"/v1/licenses":           v.order(nil),
		"/v1/activations":        machine,
		activation + "/heartbeat": {
			"license_key": l.Key, "machine": fingerprinted("laptop"),
		},
		activation + "/deactivate":                         {"reason": "?"},
		"/v1/bindings/" + a.BindingID.String() + "/rebind": with(machine, object{"reason": "?"}),
	} {
		v.admin.With("If-Match", `"999"`).Post(path, body).Refused("PRECONDITION_FAILED")
	}
	v.admin.With("If-Match", `"999"`).Put("/v1/plans/"+v.plan.ID.String(), object{"name": "Team", "type": "TRIAL", "max_machines": 1}).
		Refused("PRECONDITION_FAILED")
	require.Len(t, v.events(l), 3)
}

func TestAConditionalQuestionIsAnsweredOnlyAtTheRevisionItWasMeantFor(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	answer := v.machine.Post("/v1/validate", object{"license_key": l.Key})
	require.Equal(t, `"1"`, answer.ETag())
	v.machine.With("If-Match", answer.ETag()).Post("/v1/validate", object{"license_key": l.Key})
	v.activate(l.Key, fingerprinted("laptop"))
	v.machine.With("If-Match", answer.ETag()).Post("/v1/validate", object{"license_key": l.Key}).Refused("PRECONDITION_FAILED")
}
