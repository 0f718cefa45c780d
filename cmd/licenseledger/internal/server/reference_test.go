package server

import (
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
)

var update = flag.Bool("update", false, "write the reference of metrics")

const reference = "../../../../docs/metrics.md"

// referenceHead has quotes where the document has backticks.
var referenceHead = strings.ReplaceAll(`# Metrics

<!-- Generated from a running server by 'make generate'. Do not edit. -->

'GET /metrics' answers in the format of Prometheus. Those of Redis are there if 'redis' is configured. The metrics of the Go runtime
('go_*') and of the process ('process_*') are those of every Go program.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
`, "'", "`")

// metricsReference is docs/metrics.md.
func metricsReference(t *testing.T, s *Server) string {
	t.Helper()
	families, err := s.metrics.Gather()
	require.NoError(t, err)
	undocumented := described(s.metrics)
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "licenseledger_") {
			continue
		}
		delete(undocumented, f.GetName())
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "),
			strings.ReplaceAll(f.GetHelp(), "|", `\|`))
	}
	require.Empty(t, undocumented, "this test must cause these metrics")
	return b.String()
}

var descriptionName = regexp.MustCompile(`fqName: "(licenseledger_[^"]*)"`)

// described returns the names of all metrics, also of those without a value yet.
func described(registry *prometheus.Registry) map[string]bool {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		registry.Describe(descriptions)
	}()
	names := map[string]bool{}
	for d := range descriptions {
		if found := descriptionName.FindStringSubmatch(d.String()); found != nil {
			names[found[1]] = true
		}
	}
	return names
}

func TestTheReferenceOfMetricsIsCurrent(t *testing.T) {
	t.Parallel()
	flags := config.Flags()
	require.NoError(t, flags.Parse([]string{"--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}))
	c, err := config.Load(flags, []string{"LICENSELEDGER_REDIS=redis://127.0.0.1:1"})
	require.NoError(t, err)
	s, err := Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() {
		require.NoError(t, s.Close())
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/v1/products",
		strings.NewReader(`{"code":"cad","name":"CAD"}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+s.AdminKey())
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusCreated, response.StatusCode)

	if *update {
		require.NoError(t, os.WriteFile(reference, []byte(metricsReference(t, s)), 0o644))
	}
	written, err := os.ReadFile(reference)
	require.NoError(t, err, "run `make generate`")
	require.Equal(t, metricsReference(t, s), string(written), "run `make generate`")
}
