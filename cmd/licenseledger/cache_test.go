package main

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAServerWorksWhileItsRedisIsNotThereAndTellsSoInItsMetrics(t *testing.T) {
	t.Parallel()
	c, err := configured(t, "", []string{"LICENSELEDGER_REDIS=redis://:hunter2@127.0.0.1:1"}, "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0")
	require.NoError(t, err)
	s, err := startServer(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		http.DefaultClient.CloseIdleConnections()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	require.NoError(t, newDemo(s.admin(), io.Discard).play(t.Context()))
	response, err := http.Get(s.url() + "/metrics")
	require.NoError(t, err)
	metrics, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, string(metrics), "licenseledger_redis_breaker_state 2")
}
