package instances_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

type object = blackbox.Object

// timeout bounds how long something may take that has to happen.
const timeout = 30 * time.Second

// fixture is set up before the first test and does not change.
var fixture engines.Fixture

func TestMain(m *testing.M) {
	os.Exit(fixture.Run(m, func() (*engines.Engines, error) {
		return engines.Start(engines.PostgreSQL, engines.PostgreSQL, engines.Redis)
	}))
}

// cluster is a ledger on which several servers work, each with a data directory of its own.
type cluster struct {
	t       *testing.T
	options process.Options
	servers []*blackbox.Server
}

// newCluster starts a server for each role.
func newCluster(t *testing.T, roles ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, options: process.Options{Binary: fixture.Binary, AdminKey: "the-admin-key-of-all-instances",
		Env: []string{"LICENSELEDGER_MASTER_KEY=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}}
	require.NoError(t, fixture.Engines.NewLedger(t.Context(), &c.options))
	for _, role := range roles {
		c.start(role)
	}
	return c
}

func (c *cluster) start(role string) *blackbox.Server {
	c.t.Helper()
	o := c.options
	o.DataDir = filepath.Join(c.t.TempDir(), "data")
	o.Env = append(slices.Clone(o.Env), "LICENSELEDGER_ROLE="+role)
	server, err := blackbox.Launch(o, nil, nil)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { server.Kill() })
	c.servers = append(c.servers, server)
	return server
}

// sell issues a licence under a plan of its own.
func sell(t *testing.T, server *blackbox.Server, plan object) api.LicenseWithKey {
	t.Helper()
	admin := server.Admin(t)
	code := strings.ToLower(fmt.Sprintf("p-%d", time.Now().UnixNano()))
	product := blackbox.Created[api.Product](admin.Post("/v1/products", object{"code": code, "name": "CAD Suite"}))
	terms := object{"code": "team", "name": "Team", "type": "PROFESSIONAL", "max_machines": 2}
	for name, value := range plan {
		terms[name] = value
	}
	blackbox.Created[api.Plan](admin.Post("/v1/products/"+product.ID.String()+"/plans", terms))
	return blackbox.Created[api.LicenseWithKey](admin.Post("/v1/licenses", object{
		"product": code, "plan": "team", "customer": object{"name": "Ada Byron", "email": "ada@example.com"}}))
}

func machine(n int) object { return object{"fingerprint": fmt.Sprintf("%064x", n+1)} }

func activation(key string, n int) object {
	return object{"license_key": key, "machine": machine(n)}
}

// verdict validates a licence key on a server.
func verdict(t *testing.T, server *blackbox.Server, key string) string {
	t.Helper()
	return string(blackbox.OK[api.Verdict](server.Anyone(t).Post("/v1/validate", object{"license_key": key})).Code)
}

// eventTypes are those of a licence's events.
func eventTypes(t *testing.T, server *blackbox.Server, l api.LicenseWithKey) (types []string) {
	t.Helper()
	answer := server.Admin(t).Get("/v1/ledger/events?stream=license-" + l.ID.String())
	require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
	var page api.LedgerPage
	require.NoError(t, json.Unmarshal(answer.Body, &page))
	for _, e := range page.Items {
		types = append(types, e.Type)
	}
	return types
}

// owned returns which projections a server owns, from its metrics.
func owned(t *testing.T, server *blackbox.Server) (names []string) {
	t.Helper()
	for line := range strings.Lines(string(server.Anyone(t).Get("/metrics").Body)) {
		name, found := strings.CutPrefix(strings.TrimSpace(line), `licenseledger_projection_owned{projection="`)
		if name, one := strings.CutSuffix(name, `"} 1`); found && one {
			names = append(names, name)
		}
	}
	return names
}

// ownsAll waits until a server owns all projections, and returns how long that took.
func ownsAll(t *testing.T, server *blackbox.Server) time.Duration {
	t.Helper()
	began := time.Now()
	require.Eventually(t, func() bool { return len(owned(t, server)) == 4 }, timeout, 20*time.Millisecond)
	return time.Since(began)
}

// requireClean compares the read models with the ledger.
func (c *cluster) requireClean() {
	c.t.Helper()
	checked := c.servers[0].Command(c.t, "fsck")
	require.Zero(c.t, checked.Code, "%s%s", checked.Out, checked.Err)
}
