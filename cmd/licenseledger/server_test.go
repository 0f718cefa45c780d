package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// started is a server on a data directory; an empty one is made when none is given.
func started(t *testing.T, dataDir string) *server {
	t.Helper()
	if dataDir == "" {
		dataDir = t.TempDir()
	}
	c, err := configured(t, "", nil, "--data-dir", dataDir, "--listen", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := startServer(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		http.DefaultClient.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return s
}

func (s *server) admin() apiClient { return apiClient{server: s.url(), key: s.adminKey} }

func TestTheDemoPlaysAWholeLifeOnAServerOfItsOwn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c, err := configured(t, "", nil)
	require.NoError(t, err)
	require.NoError(t, demoOnOwnServer(t.Context(), c, &out))
	for _, expected := range []string{"license.issued.v1", "binding.machine_rebound.v1", "decided by license.revoked.v1", "ledger position"} {
		require.Contains(t, out.String(), expected)
	}
}

func TestFsckFindsACleanLedgerCleanAndChangesNothing(t *testing.T) {
	t.Parallel()
	dataDir := t.TempDir()
	s := started(t, dataDir)
	require.NoError(t, newDemo(s.admin(), io.Discard).play(t.Context()))
	_, err := fsck(t.Context(), s.config, io.Discard)
	require.ErrorIs(t, err, errInUse, "a running server keeps it off")
	require.NoError(t, s.Close())

	for range 2 {
		report, err := fsck(t.Context(), s.config, io.Discard)
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
	c, err := configured(t, "", nil, "--data-dir", dataDir)
	require.NoError(t, err)
	_, err = fsck(t.Context(), c, io.Discard)
	require.ErrorContains(t, err, "there is no ledger")
	files, err := os.ReadDir(dataDir)
	require.NoError(t, err)
	require.Empty(t, files, "looking makes nothing")
}

func TestProjectionsAreRebuiltThroughTheServerOrWithoutIt(t *testing.T) {
	t.Parallel()
	s := started(t, "")
	require.NoError(t, newDemo(s.admin(), io.Discard).play(t.Context()))
	served := servedProjections{s.admin()}
	first, err := served.rebuild(t.Context(), "licenses", io.Discard)
	require.NoError(t, err)
	require.NotEmpty(t, first.Checksum)
	_, err = served.rebuild(t.Context(), "nonsense", io.Discard)
	require.Error(t, err)
	require.NoError(t, s.Close())

	require.NoError(t, withOwnProjections(t.Context(), s.config, func(ctx context.Context, p projectionKeeper) error {
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

func TestTheTimekeeperRecordsAnExpiryByItself(t *testing.T) {
	t.Parallel()
	s := started(t, "")
	d := newDemo(s.admin(), io.Discard)
	require.NoError(t, errors.Join(d.registerProduct(t.Context()), d.publishPlan(t.Context())))
	var issued api.LicenseWithKey
	_, err := s.admin().call(t.Context(), http.MethodPost, "/v1/licenses", object{
		"product": d.product, "plan": d.plan, "customer": object{"name": "Ada", "email": "ada@example.com"},
		"expires_at": time.Now().Add(300 * time.Millisecond),
	}, &issued)
	require.NoError(t, err)
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		var page api.LedgerPage
		_, err := s.admin().call(context.Background(), http.MethodGet, "/v1/ledger/events?stream=license-"+issued.ID.String(), nil, &page)
		require.NoError(t, err)
		require.Equal(t, "license.expired.v2", page.Items[len(page.Items)-1].Type)
		require.Equal(t, "system", page.Items[len(page.Items)-1].Actor)
	}, 20*time.Second, 50*time.Millisecond)
}
