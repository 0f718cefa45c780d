package crash_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/support/wire"
)

const (
	delay            = 10 * time.Millisecond // each way; a transaction has many round trips
	statementTimeout = 2 * time.Second       // a short one, so that giving up takes no longer
	requestLimit     = 30 * time.Second      // of the server
	carriedBytes     = 3000                  // by a connection before it is cut: within the batches of all clients, or their answers
)

func TestABadConnectionToTheDatabaseLosesNothingAndDoesNothingTwice(t *testing.T) {
	on, err := engines.StartPrivate(engines.PostgreSQL, engines.PostgreSQL)
	require.NoError(t, err)
	server, err := pgconn.ParseConfig(on.Postgres().URL())
	require.NoError(t, err)
	proxy, err := wire.New(pgconn.NetworkAddress(server.Host, server.Port))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	w, _ := newHarness(t, on, func(o *process.Options) { reroute(t, o, proxy.Port()) })
	pid := w.server.PID()
	repair := func() error {
		proxy.Restore()
		return nil
	}
	for _, f := range []struct {
		name string
		fault
	}{
		{"reset", fault{inject: proxy.Reset, repair: repair, transient: true}},
		{"slow", fault{inject: func() { proxy.Delay(delay) }, repair: repair, transient: true}},
		{"cut in the middle", fault{inject: func() { proxy.CutAfter(carriedBytes) }, repair: repair}},
		{"half-open", fault{inject: proxy.Blackhole, during: w.notReady, repair: repair}},
	} {
		began := time.Now()
		w.workThrough(f.fault)
		w.check()
		require.Equal(t, http.StatusOK, w.server.Anyone(t).Get("/healthz/ready").Status, "after %s", f.name)
		t.Logf("%s: %s", f.name, time.Since(began).Round(time.Millisecond))
	}
	w.checkNothingElseWasIssued()
	require.Equal(t, pid, w.server.PID())
	t.Logf("%d commands acknowledged, %d refused, none later than %s", w.acknowledged, w.refused, w.slowest.Round(time.Millisecond))
	require.Less(t, w.slowest, requestLimit+statementTimeout)
	require.NoError(t, w.server.Stop())
	ran := w.server.Command(t, "fsck")
	require.Zero(t, ran.Code, "%s%s", ran.Out, ran.Err)
}

// reroute leads all connections to PostgreSQL over a port of the loopback.
func reroute(t *testing.T, o *process.Options, port int) {
	t.Helper()
	for i, variable := range o.Env {
		name, value, _ := strings.Cut(variable, "=")
		u, err := url.Parse(value)
		require.NoError(t, err)
		u.Host = "127.0.0.1:" + strconv.Itoa(port)
		u.RawQuery = url.Values{"sslmode": {"disable"}, "statement_timeout": {strconv.FormatInt(statementTimeout.Milliseconds(), 10)}}.Encode()
		o.Env[i] = name + "=" + u.String()
	}
}
