package scenarios_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

type object = blackbox.Object

// tenantClient sells one product under one plan. Every scenario has its own and so never meets another.
type tenantClient struct {
	t       *testing.T
	server  *blackbox.Server
	admin   blackbox.Client
	machine blackbox.Client
	product api.Product
	plan    api.Plan
}

// newTenantClient registers a product and publishes a plan on the shared server. The members replace those of an ordinary plan.
func newTenantClient(t *testing.T, plan object) tenantClient {
	t.Helper()
	return newTenantClientOn(t, fixture.shared, nil, plan)
}

func newTenantClientOn(t *testing.T, server *blackbox.Server, product, plan object) tenantClient {
	t.Helper()
	v := tenantClient{t: t, server: server, admin: server.Admin(t), machine: server.Anyone(t)}
	v.product = blackbox.Created[api.Product](v.admin.Post("/v1/products", with(object{"code": newCode(), "name": "CAD Suite"}, product)))
	v.plan = blackbox.Created[api.Plan](v.admin.Post("/v1/products/"+v.product.ID.String()+"/plans", with(team(), plan)))
	return v
}

// newCode is one that nobody else uses.
func newCode() string { return "p-" + uuid.NewString() }

// team is an ordinary plan.
func team() object {
	return object{
		"code": "team", "name": "Team", "type": "PROFESSIONAL", "max_machines": 2, "validity_days": 365,
		"features": object{"export": true, "projects": 50, "beta": false},
	}
}

// with returns the object with members replaced or added.
func with(o object, members object) object {
	o = maps.Clone(o)
	maps.Copy(o, members)
	return o
}

// order asks for a licence of its plan.
func (v tenantClient) order(members object) object {
	return with(object{
		"product": v.product.Code, "plan": v.plan.Code, "customer": object{"name": "Ada Byron", "email": "ada@example.com"},
	}, members)
}

func (v tenantClient) issue(members object) api.LicenseWithKey {
	v.t.Helper()
	return blackbox.Created[api.LicenseWithKey](v.admin.Post("/v1/licenses", v.order(members)))
}

func (v tenantClient) activate(key string, machine object) api.Activation {
	v.t.Helper()
	return blackbox.Created[api.Activation](v.tryActivate(key, machine))
}

func (v tenantClient) tryActivate(key string, machine object) blackbox.Response {
	v.t.Helper()
	return v.machine.Post("/v1/activations", object{"license_key": key, "machine": machine})
}

func (v tenantClient) heartbeat(a api.Activation, key string, machine object) blackbox.Response {
	v.t.Helper()
	return v.machine.Post("/v1/activations/"+a.ActivationID.String()+"/heartbeat", object{"license_key": key, "machine": machine})
}

func (v tenantClient) validate(question object) api.Verdict {
	v.t.Helper()
	verdict := blackbox.OK[api.Verdict](v.machine.Post("/v1/validate", question))
	require.Equal(v.t, verdict.Code == "VALID", verdict.Valid)
	fixture.coverage.Saw(string(verdict.Code))
	return verdict
}

// change carries out an admin's command on a licence, such as "suspend".
func (v tenantClient) change(l api.LicenseWithKey, command string, members object) blackbox.Response {
	v.t.Helper()
	return v.admin.Post("/v1/licenses/"+l.ID.String()+"/"+command, with(object{"reason": "because of " + command}, members))
}

func (v tenantClient) changed(l api.LicenseWithKey, command string, members object) api.License {
	v.t.Helper()
	return blackbox.OK[api.License](v.change(l, command, members))
}

// license shows a licence as queries do, with everything that was done to it before.
func (v tenantClient) license(l api.LicenseWithKey) api.License {
	v.t.Helper()
	return blackbox.OK[api.License](v.upToDate().Get("/v1/licenses/" + l.ID.String()))
}

func (v tenantClient) machines(l api.LicenseWithKey) []api.BoundMachine {
	v.t.Helper()
	return blackbox.OK[api.MachinePage](v.upToDate().Get("/v1/licenses/" + l.ID.String() + "/machines?limit=200")).Items
}

// upToDate returns a client whose queries see all that has happened so far.
func (v tenantClient) upToDate() blackbox.Client {
	v.t.Helper()
	return v.admin.Seeing(head(v.t, v.admin))
}

// events are the licence's events so far.
func (v tenantClient) events(l api.LicenseWithKey) []api.LedgerEvent {
	v.t.Helper()
	return blackbox.OK[api.LedgerPage](v.admin.Get("/v1/ledger/events?limit=1000&stream=" + streamOf(l))).Items
}

func streamOf(l api.LicenseWithKey) string { return "license-" + l.ID.String() }

func types(events []api.LedgerEvent) []string {
	var names []string
	for _, e := range events {
		names = append(names, e.Type)
	}
	return names
}

// head is the position of the ledger's last event.
func head(t *testing.T, admin blackbox.Client) uint64 {
	t.Helper()
	return blackbox.OK[api.LedgerPage](admin.Get("/v1/ledger/events?limit=1")).Head
}

// timeout bounds how long a scenario waits for something to happen.
const timeout = 30 * time.Second

// await follows a licence's events until one of a type happens after a position, and returns it.
func (v tenantClient) await(l api.LicenseWithKey, eventType string, after uint64) api.LedgerEvent {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), timeout)
	defer cancel()
	for e := range follow(v.t, ctx, v.admin, "&stream="+streamOf(l)+"&after="+strconv.FormatUint(after, 10)) {
		if e.Type == eventType {
			return e
		}
	}
	require.FailNow(v.t, "the event did not happen", eventType)
	return api.LedgerEvent{}
}

// follow yields events as they happen, until ctx ends.
//
//nolint:revive // t comes first
func follow(t *testing.T, ctx context.Context, admin blackbox.Client, query string) func(yield func(api.LedgerEvent) bool) {
	t.Helper()
	return func(yield func(api.LedgerEvent) bool) {
		response := admin.With("Accept", "application/x-ndjson").Open(ctx, "/v1/ledger/events?follow=true"+query)
		defer func() { _ = response.Body.Close() }()
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Equal(t, "application/x-ndjson", response.Header.Get("Content-Type"))
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			var e api.LedgerEvent
			require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
			if !yield(e) {
				return
			}
		}
	}
}

// eventually calls until it is true, as often as makes sense.
func eventually(t *testing.T, what string, until func() bool) {
	t.Helper()
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !until() {
		select {
		case <-again.C:
		case <-deadline.C:
			require.FailNow(t, "it did not come about: "+what)
		}
	}
}

// fingerprinted is a machine that computed its fingerprint itself.
func fingerprinted(name string) object {
	sum := sha256.Sum256([]byte(name))
	return object{"fingerprint": hex.EncodeToString(sum[:])}
}

// built is a machine that shows its components, some of them replaced.
func built(name string, replaced object) object {
	return object{"name": name, "os": "linux/amd64", "components": with(object{
		"cpu": "cpu of " + name, "board": "board of " + name, "bios": "bios of " + name, "disk": "disk of " + name,
		"mac": []string{"02:00:" + name, "02:01:" + name},
	}, replaced)}
}

func in(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }

func mistyped(key string) string {
	last := "0"
	if strings.HasSuffix(key, "0") {
		last = "1"
	}
	return key[:len(key)-1] + last
}

// member returns one member of a JSON object, as it is written.
func member(t *testing.T, data json.RawMessage, name string) string {
	t.Helper()
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &members))
	require.Contains(t, members, name)
	return string(members[name])
}
