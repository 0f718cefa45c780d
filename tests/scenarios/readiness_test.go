package scenarios_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/support/wire"
)

func TestAServerWhoseReadModelsAreAwayIsDegradedAndGoesOn(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	server, err := pgconn.ParseConfig(database)
	require.NoError(t, err)
	proxy, err := wire.New(pgconn.NetworkAddress(server.Host, server.Port))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	replica, err := url.Parse(database)
	require.NoError(t, err)
	replica.Host, replica.RawQuery = "127.0.0.1:"+strconv.Itoa(proxy.Port()), "sslmode=disable&statement_timeout=2000"
	v := newTenantClientOn(t, newServer(t, func(o *process.Options) {
		o.Env = []string{"LICENSELEDGER_EVENTSTORE=" + database, "LICENSELEDGER_READMODELS=" + database,
			"LICENSELEDGER_READMODELS_REPLICA=" + replica.String()}
	}), nil, nil)
	l := v.issue(nil)
	v.license(l)
	readiness := func() api.Readiness { return blackbox.OK[api.Readiness](v.machine.Get("/healthz/ready")) }
	require.EqualValues(t, "ok", readiness().Status, "%v", readiness())

	proxy.Blackhole()
	eventually(t, "the read models are found away", func() bool { return readiness().Checks["readmodels"] != "ok" })
	ready := readiness()
	require.EqualValues(t, "degraded", ready.Status)
	require.EqualValues(t, "degraded", ready.Checks["readmodels"])
	require.NotEmpty(t, ready.Reasons["readmodels"])
	require.NotContains(t, ready.Reasons["readmodels"], "127.0.0.1", "anyone may ask")
	require.EqualValues(t, "ok", ready.Checks["ledger"])
	require.EqualValues(t, "VALID", v.validate(object{"license_key": l.Key}).Code)
	v.changed(l, "suspend", nil)

	proxy.Restore()
	eventually(t, "the read models are back", func() bool { return readiness().Status == "ok" })
	require.EqualValues(t, "SUSPENDED", v.license(l).Status)
}
