package linearizability_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// cluster is two servers on one ledger.
type cluster struct {
	database  string // connection string
	adminKey  string
	instances [2]*instance
	client    *http.Client
}

// instance is one of the servers. It may be down.
type instance struct {
	options process.Options
	running atomic.Pointer[process.Process]
}

// newCluster starts two servers on a ledger that nobody else uses, with a product and a plan to issue licences of.
func newCluster(t *testing.T, binary string) *cluster {
	t.Helper()
	c := &cluster{
		adminKey: uuid.NewString() + uuid.NewString(),
		client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}},
	}
	shared := process.Options{Binary: binary, AdminKey: c.adminKey}
	shared.Env = append(shared.Env, "LICENSELEDGER_MASTER_KEY="+base64.StdEncoding.EncodeToString([]byte(uuid.NewString()[:32])))
	require.NoError(t, fixture.Engines.NewLedger(t.Context(), &shared))
	for _, variable := range shared.Env {
		if database, ok := strings.CutPrefix(variable, "LICENSELEDGER_EVENTSTORE="); ok {
			c.database = database
		}
	}
	for i := range c.instances {
		options := shared
		options.DataDir = filepath.Join(t.TempDir(), fmt.Sprint(i))
		c.instances[i] = &instance{options: options}
		require.NoError(t, c.instances[i].start())
		t.Cleanup(func() { c.instances[i].running.Load().Kill() })
	}
	t.Cleanup(c.client.CloseIdleConnections)
	c.createPlan(t)
	return c
}

func (i *instance) start() error {
	running, err := process.Start(i.options)
	if err != nil {
		return err
	}
	i.running.Store(running)
	return nil
}

// loggedErrors returns what the running instances have logged as errors.
func (c *cluster) loggedErrors() string {
	var all strings.Builder
	for _, i := range c.instances {
		for line := range strings.Lines(i.running.Load().Log()) {
			if strings.Contains(line, "level=ERROR") {
				all.WriteString(line)
			}
		}
	}
	return all.String()
}

// createPlan registers a product and publishes a plan.
func (c *cluster) createPlan(t *testing.T) {
	t.Helper()
	product := must[api.Product](t, c, "/v1/products", object{"code": "cad", "name": "CAD Suite"})
	must[api.Plan](t, c, "/v1/products/"+product.ID.String()+"/plans", object{
		"code": "team", "name": "Team", "type": "STANDARD", "max_machines": seats, "validity_days": 365,
	})
}

// issue hands out a licence, whatever happens meanwhile.
func (c *cluster) issue(t *testing.T) *license {
	t.Helper()
	issued := must[api.LicenseWithKey](t, c, "/v1/licenses", object{
		"product": "cad", "plan": "team", "customer": object{"name": "Ada Byron", "email": "ada@example.com"},
	})
	return &license{id: issued.ID.String(), key: issued.Key}
}

// must asks as an admin until there is an answer.
func must[T any](t *testing.T, c *cluster, path string, body object) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	r := request{path: path, body: body, key: uuid.NewString(), admin: true}
	for at := 0; ; at++ {
		received, err := c.send(ctx, c.instances[at%len(c.instances)], r)
		require.NoError(t, ctx.Err())
		if err != nil || received.status >= http.StatusInternalServerError {
			continue
		}
		require.Equal(t, http.StatusCreated, received.status, "%s", received.body)
		return decoded[T](received.body)
	}
}
