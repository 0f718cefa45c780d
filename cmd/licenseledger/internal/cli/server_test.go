package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/server"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started is a server on a data directory; an empty one is made when none is given.
func started(t *testing.T, dataDir string) *server.Server {
	t.Helper()
	if dataDir == "" {
		dataDir = t.TempDir()
	}
	c := configured(t, nil, "--data-dir", dataDir, "--listen", "127.0.0.1:0")
	s, err := server.Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		http.DefaultClient.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return s
}

func admin(t *testing.T, s *server.Server) *client.Client {
	t.Helper()
	c, err := newClient(s.URL(), s.AdminKey())
	require.NoError(t, err)
	return c
}

func TestTheDemoRunsOnAServerOfItsOwn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := configured(t, nil)
	require.NoError(t, demoOnOwnServer(t.Context(), c, &out))
	for _, expected := range []string{"license.issued.v1", "binding.machine_rebound.v1", "decided by license.revoked.v1", "ledger position"} {
		require.Contains(t, out.String(), expected)
	}
}

func TestFsckFindsACleanLedgerCleanAndChangesNothing(t *testing.T) {
	t.Parallel()
	dataDir := t.TempDir()
	s := started(t, dataDir)
	require.NoError(t, runDemo(t.Context(), s.URL(), s.AdminKey(), io.Discard))
	_, err := inspect.Fsck(t.Context(), backends.Embedded(dataDir), io.Discard)
	require.ErrorIs(t, err, backends.ErrInUse, "a running server keeps it off")
	require.NoError(t, s.Close())

	here, err := os.Getwd()
	require.NoError(t, err)
	relative, err := filepath.Rel(here, dataDir) // as the default ./data is
	require.NoError(t, err)
	for _, folder := range []string{dataDir, relative} {
		report, err := inspect.Fsck(t.Context(), backends.Embedded(folder), io.Discard)
		require.NoError(t, err)
		require.True(t, report.Clean, report)
		require.Equal(t, uint64(14), report.Events)
		require.Equal(t, 3, report.Streams)
		require.Len(t, report.Projections, 4)
	}
	left, err := filepath.Glob(filepath.Join(dataDir, "fsck-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestFsckNeedsALedger(t *testing.T) {
	t.Parallel()
	dataDir := t.TempDir()
	c := configured(t, nil, "--data-dir", dataDir)
	_, err := inspect.Fsck(t.Context(), c.Settings, io.Discard)
	require.ErrorContains(t, err, "there is no ledger")
	files, err := os.ReadDir(dataDir)
	require.NoError(t, err)
	require.Empty(t, files, "looking makes nothing")
}

func TestProjectionsAreRebuiltThroughTheServerOrWithoutIt(t *testing.T) {
	t.Parallel()
	dataDir := t.TempDir()
	s := started(t, dataDir)
	require.NoError(t, runDemo(t.Context(), s.URL(), s.AdminKey(), io.Discard))
	served := remoteProjections{admin(t, s)}
	first, err := served.rebuild(t.Context(), "licenses", io.Discard)
	require.NoError(t, err)
	require.NotEmpty(t, first.Checksum)
	_, err = served.rebuild(t.Context(), "nonsense", io.Discard)
	require.Error(t, err)
	require.NoError(t, s.Close())

	require.NoError(t, withOwnProjections(t.Context(), configured(t, nil, "--data-dir", dataDir),
		func(ctx context.Context, p projectionAdmin) error {
			second, err := p.rebuild(ctx, "licenses", io.Discard)
			require.NoError(t, err)
			require.Equal(t, first.Checksum, second.Checksum)
			all, err := p.list(ctx)
			require.NoError(t, err)
			require.Len(t, all, 4)
			_, err = p.rebuild(ctx, "nonsense", io.Discard)
			require.Error(t, err)
			return nil
		}))
}

func TestTheExpirySchedulerRecordsAnExpiryByItself(t *testing.T) {
	t.Parallel()
	s := started(t, "")
	d, err := newDemo(s.URL(), s.AdminKey(), io.Discard)
	require.NoError(t, err)
	require.NoError(t, errors.Join(d.registerProduct(t.Context()), d.publishPlan(t.Context())))
	issued, _, err := answer[api.LicenseWithKey](d.admin.IssueLicense(t.Context(), nil, api.IssueLicense{
		Product: d.product.String(), Plan: d.plan.String(), Customer: api.Customer{Name: "Ada", Email: "ada@example.com"},
		ExpiresAt: new(time.Now().Add(300 * time.Millisecond)),
	}))
	require.NoError(t, err)
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		page, _, err := answer[api.LedgerPage](d.admin.ListLedgerEvents(context.Background(),
			&api.ListLedgerEventsParams{Stream: new("license-" + issued.ID.String())}))
		require.NoError(t, err)
		require.Equal(t, "license.expired.v2", page.Items[len(page.Items)-1].Type)
		require.Equal(t, "system", page.Items[len(page.Items)-1].Actor)
	}, 20*time.Second, 50*time.Millisecond)
}

func TestAServerWorksWithoutItsRedisAndSaysSoInItsMetrics(t *testing.T) {
	t.Parallel()
	c := configured(t, []string{"LICENSELEDGER_REDIS=redis://:hunter2@127.0.0.1:1"}, "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0")
	s, err := server.Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		http.DefaultClient.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	require.NoError(t, runDemo(t.Context(), s.URL(), s.AdminKey(), io.Discard))
	response, err := http.Get(s.URL() + "/metrics")
	require.NoError(t, err)
	metrics, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, string(metrics), "licenseledger_redis_breaker_state 2")
}

func TestAHealthcheckSaysByItsExitWhetherAServerIsReady(t *testing.T) {
	t.Parallel()
	s := started(t, "")
	out, _, err := ran(t, "healthcheck", "--server", s.URL())
	require.NoError(t, err)
	require.Equal(t, "ok\n", out)
	require.NoError(t, s.Close())
	_, errors, err := ran(t, "healthcheck", "--listen", strings.TrimPrefix(s.URL(), "http://"))
	require.Error(t, err)
	require.Contains(t, errors, "is it running?")

	draining := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(draining.Close)
	_, errors, err = ran(t, "healthcheck", "--server", draining.URL)
	require.Error(t, err)
	require.Contains(t, errors, "is not ready")
}

// configured loads a configuration from an environment and flags.
func configured(t *testing.T, environ []string, args ...string) config.Config {
	t.Helper()
	flags := config.Flags()
	require.NoError(t, flags.Parse(args))
	c, err := config.Load(flags, environ)
	require.NoError(t, err)
	return c
}
