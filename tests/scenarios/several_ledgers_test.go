package scenarios_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// neighbor is one of several ledgers that share servers.
type neighbor struct {
	tenantClient
	options   process.Options
	issued    api.LicenseWithKey
	activated api.Activation
}

// startNeighbor starts a server with a data directory of its own, and sells a licence of the product "cad" on it.
func startNeighbor(t *testing.T, name string, environ ...string) neighbor {
	t.Helper()
	server := newServer(t, func(o *process.Options) { o.Env = environ })
	n := neighbor{tenantClient: newTenantClientOn(t, server, object{"code": "cad", "name": name}, nil), options: server.Options}
	n.issued = n.issue(object{"customer": object{"name": name, "email": name + "@example.com"}})
	n.activated = n.activate(n.issued.Key, built("laptop", nil))
	n.license(n.issued) // waits until the read models are there
	return n
}

func startRedis(t *testing.T) (setting string) {
	t.Helper()
	redis, err := services.StartRedis()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, redis.Stop()) })
	return "LICENSELEDGER_REDIS=" + redis.URL()
}

// requireApart checks that neither of two ledgers knows anything of the other, although both sell products of the same code, which have the
// same id.
func requireApart(t *testing.T, one, other neighbor) {
	t.Helper()
	for _, pair := range [][2]neighbor{{one, other}, {other, one}} {
		here, there := pair[0], pair[1]
		path := "/v1/products/" + here.product.ID.String()
		require.Equal(t, here.product.ID, there.product.ID)
		require.Equal(t, here.product.Name, blackbox.OK[api.Product](here.upToDate().Get(path)).Name)
		require.Len(t, pages[api.Product](t, here.upToDate(), "/v1/products"), 1)
		require.Len(t, pages[api.License](t, here.upToDate(), "/v1/licenses"), 1)

		only := blackbox.Created[api.Product](here.admin.Post("/v1/products", object{"code": newCode(), "name": "Only here"}))
		require.Equal(t, http.StatusOK, here.upToDate().Get("/v1/products/"+only.ID.String()).Status)
		require.Equal(t, http.StatusNotFound, there.upToDate().Get("/v1/products/"+only.ID.String()).Status)
		there.admin.Post("/v1/products/"+only.ID.String()+"/plans", team()).Refused("NOT_FOUND")

		require.Equal(t, http.StatusNotFound, there.upToDate().Get("/v1/licenses/"+here.issued.ID.String()).Status)
		there.tryActivate(here.issued.Key, built("laptop", nil)).Refused("LICENSE_KEY_INVALID")
		require.EqualValues(t, "VALID", here.validate(object{"license_key": here.issued.Key, "machine": built("laptop", nil)}).Code)
	}
	// What happens to one is nothing to the other, which both hear of through the same servers.
	one.changed(one.issued, "suspend", nil)
	require.EqualValues(t, "LICENSE_SUSPENDED", one.validate(object{"license_key": one.issued.Key}).Code)
	require.EqualValues(t, "VALID", other.validate(object{"license_key": other.issued.Key}).Code)
	one.changed(one.issued, "reinstate", nil)
}

// requireSound stops a ledger's server and checks all that is kept of it.
func (n neighbor) requireSound(t *testing.T, events uint64) {
	t.Helper()
	healthy, found := diagnosed(t, n.options)
	require.True(t, healthy, found)
	require.NotContains(t, found["eventstore: tables"].Found, "none yet")
	require.NotContains(t, found["keys: tables"].Found, "none yet")
	require.Contains(t, found["master key"].Found, "opens the keys")
	stopSound(t, n.server)
	require.Equal(t, events, jsonOutput[ledgerSummary](t, n.options, "ledger", "verify").Events)
}

// sold is how many events a neighbor begins with: those of a product, a plan, a licence, a machine and its activation. The first of two
// that were compared has three more (a product, suspended, reinstated), the other one (a product).
const sold = 5

func TestTwoLedgersShareAPostgreSQLDatabaseAndARedis(t *testing.T) {
	t.Parallel()
	database, redis := newPostgres(t), startRedis(t)
	at := []string{"LICENSELEDGER_EVENTSTORE=" + database, "LICENSELEDGER_READMODELS=" + database, redis,
		"LICENSELEDGER_EVENTSTORE_CONNECTIONS=5", "LICENSELEDGER_READMODELS_CONNECTIONS=17", "LICENSELEDGER_KEYS_CONNECTIONS=2"}
	usual := startNeighbor(t, "usual", at...)
	other := startNeighbor(t, "other", slices.Concat(at, []string{
		"LICENSELEDGER_EVENTSTORE_SCHEMA=Ledger \"EU\", 1", "LICENSELEDGER_READMODELS_SCHEMA=été's read models",
		"LICENSELEDGER_KEYS_SCHEMA=eu_keys"})...)
	requireApart(t, usual, other)

	_, found := diagnosed(t, other.options)
	require.Contains(t, found["configuration"].Found, `(schema Ledger "EU", 1)`)
	require.Contains(t, found["eventstore: connections"].Found, "34 for every instance", "5, 17 and 2 and some to spare")
	refused := run(t, other.options, "backup", filepath.Join(t.TempDir(), "backup"), "--keys", filepath.Join(t.TempDir(), "keys"))
	require.Equal(t, 1, refused.Code)
	require.Contains(t, refused.Err, `(schema Ledger "EU", 1)`)
	configured := run(t, other.options, "config")
	require.Contains(t, configured.Out, "eventstore_schema")
	require.Contains(t, configured.Out, "eu_keys")
	listed := run(t, other.options, "projections", "list", "--server", other.server.URL())
	require.Zero(t, listed.Code, listed.Err)

	usual.requireSound(t, sold+3)
	other.requireSound(t, sold+1)
	require.Contains(t, namesOfSchemas(t, database), "licenseledger_ledger")
	require.Contains(t, namesOfSchemas(t, database), `Ledger "EU", 1`)

	// The other moves to a third place in the same database.
	copied := onItsOwn(t)
	copied.Env = []string{"LICENSELEDGER_COPY_FROM=" + database, "LICENSELEDGER_COPY_TO=" + database}
	same := run(t, copied, "ledger", "copy")
	require.Equal(t, 1, same.Code)
	require.Contains(t, same.Err, "the source is the target")
	ran := run(t, copied, "ledger", "copy", "--from-schema", `Ledger "EU", 1`, "--to-schema", "moved")
	require.Zero(t, ran.Code, ran.Err)
	require.Contains(t, ran.Out, "(schema moved)")
	ran = run(t, copied, "keys", "copy", "--from-schema", "eu_keys", "--to-schema", "moved_keys")
	require.Zero(t, ran.Code, ran.Err)
	verified := other.options
	verified.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database}
	require.Equal(t, jsonOutput[ledgerSummary](t, other.options, "ledger", "verify"),
		jsonOutput[ledgerSummary](t, verified, "ledger", "verify", "--at-schema", "moved"))

	moved := soldLedger{options: other.options, key: other.issued.Key, activated: other.activated}
	moved.options.Env = slices.Concat(at, []string{
		"LICENSELEDGER_EVENTSTORE_SCHEMA=moved", "LICENSELEDGER_READMODELS_SCHEMA=moved_readmodels", "LICENSELEDGER_KEYS_SCHEMA=moved_keys"})
	moved.answersAsBefore(t, moved.options)
	wrong := run(t, copied, "keys", "copy", "--from-schema", "eu_keys", "--to-schema", "moved_keys")
	require.Equal(t, 1, wrong.Code)
	require.Contains(t, wrong.Err, "the schema moved_keys")
}

func namesOfSchemas(t *testing.T, database string) (names []string) {
	t.Helper()
	conn := services.Connect(t, database)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT array_agg(nspname::text) FROM pg_namespace").Scan(&names))
	return names
}

func TestTwoLedgersShareAnEventStoreDBAndARedis(t *testing.T) {
	t.Parallel()
	shared, err := engines.Start(engines.EventStoreDB, engines.SQLite)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shared.Close()) })
	var on process.Options
	require.NoError(t, shared.NewLedger(t.Context(), &on))
	at := slices.Concat(on.Env, []string{startRedis(t)})
	usual := startNeighbor(t, "usual", at...)
	eu := startNeighbor(t, "eu", slices.Concat(at, []string{"LICENSELEDGER_EVENTSTORE_STREAM_PREFIX=eu-"})...)
	north := startNeighbor(t, "north", slices.Concat(at, []string{"LICENSELEDGER_EVENTSTORE_STREAM_PREFIX=eu-north-"})...)
	requireApart(t, usual, eu)
	usual.requireSound(t, sold+3)
	eu.requireSound(t, sold+1)
	north.requireSound(t, sold)

	// One moves to another prefix.
	copied := onItsOwn(t)
	location := on.Env[0][len("LICENSELEDGER_EVENTSTORE="):]
	copied.Env = []string{"LICENSELEDGER_COPY_FROM=" + location, "LICENSELEDGER_COPY_TO=" + location}
	ran := run(t, copied, "ledger", "copy", "--from-prefix", "eu-", "--to-prefix", "moved-")
	require.Zero(t, ran.Code, ran.Err)
	require.Contains(t, ran.Out, "(streams moved-…)")
	moved := jsonOutput[ledgerSummary](t, copied, "ledger", "verify", "--at", location, "--at-prefix", "moved-")
	require.Equal(t, jsonOutput[ledgerSummary](t, eu.options, "ledger", "verify").Digest, moved.Digest)
	refused := run(t, copied, "ledger", "copy", "--from-schema", "eu", "--to-prefix", "moved-")
	require.Equal(t, 1, refused.Code)
	require.Contains(t, refused.Err, "--from-schema is for postgres")
}
