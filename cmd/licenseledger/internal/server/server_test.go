package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configured is the configuration of an embedded ledger in a new folder.
func configured(t *testing.T, args ...string) config.Config {
	t.Helper()
	flags := config.Flags()
	require.NoError(t, flags.Parse(append([]string{"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, args...)))
	c, err := config.Load(flags, nil)
	require.NoError(t, err)
	return c
}

// started is a server on an empty ledger.
func started(t *testing.T) *Server {
	t.Helper()
	s, err := Start(t.Context(), configured(t), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return s
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(body)
}

func TestEveryServiceIsHealthyWhileTheServerRunsAndStopsWithIt(t *testing.T) {
	t.Parallel()
	s := started(t)
	services := s.background()
	require.Len(t, services, 4, "an embedded ledger needs no read index")
	require.NoError(t, s.services.Health(t.Context()))
	require.Contains(t, get(t, s.URL()+"/healthz/ready"), `"background":"ok"`)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing again does nothing")
	require.Error(t, s.services.Health(t.Context()))
}

func TestAServerThatCannotListenStopsWhatItStarted(t *testing.T) {
	t.Parallel()
	taken := started(t)
	c := configured(t, "--listen", taken.http.listener.Addr().String())
	_, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "listen")
	s, err := Start(t.Context(), configured(t, "--data-dir", c.DataDir), slog.New(slog.DiscardHandler))
	require.NoError(t, err, "nothing holds the data directory")
	require.NoError(t, s.Close())
}

func TestServicesCanBeStoppedInAnyOrderAndAgain(t *testing.T) {
	t.Parallel()
	s := started(t)
	for _, service := range s.background() {
		require.NoError(t, service.Stop(), service.Name())
		require.NoError(t, service.Stop(), service.Name())
	}
}

func TestTheSizesOfTheLogsAreAmongTheMetrics(t *testing.T) {
	t.Parallel()
	s := started(t)
	metrics := get(t, s.URL()+"/metrics")
	for _, name := range []string{"ledger", "readmodels", "keys"} {
		require.Contains(t, metrics, `licenseledger_sqlite_wal_bytes{database="`+name+`"} `)
	}
}

func TestANewAdminKeyIsPrintedOnlyToATerminal(t *testing.T) {
	t.Parallel()
	s := started(t)
	var out bytes.Buffer
	require.NoError(t, s.PrintBanner(t.Context(), &out))
	require.NotContains(t, out.String(), s.AdminKey())
	require.Contains(t, out.String(), "created in "+s.config.AdminKeyFile())
	require.Contains(t, s.newAdminKey(true), s.AdminKey())
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	require.False(t, isTerminal(file))
	require.NoError(t, file.Close())
}

func TestAServerDoesNotStartInAFolderThatOthersMayWrite(t *testing.T) {
	t.Parallel()
	c := configured(t)
	require.NoError(t, os.Chmod(c.DataDir, 0o770))
	_, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "may be written by others")
	require.Contains(t, hint.Of(err), "chmod go-w")
	require.NoError(t, os.Chmod(c.DataDir, 0o755))
	var logged bytes.Buffer
	s, err := Start(t.Context(), c, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Contains(t, logged.String(), "is open to others")

	c = configured(t, "--readmodels", "sqlite:"+filepath.Join(t.TempDir(), "readmodels.db"))
	require.NoError(t, os.Chmod(filepath.Dir(c.ReadModels.File(c.DataDir)), 0o777))
	_, err = Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "may be written by others", "any folder of database files")
}
