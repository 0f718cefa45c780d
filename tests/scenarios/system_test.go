package scenarios_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

func TestHealthIsToldToAnyone(t *testing.T) {
	t.Parallel()
	anyone := fixture.shared.Anyone(t)
	require.EqualValues(t, "ok", blackbox.OK[api.Liveness](anyone.Get("/healthz/live")).Status)
	ready := blackbox.OK[api.Readiness](anyone.Get("/healthz/ready"))
	require.EqualValues(t, "ok", ready.Status)
	require.NotEmpty(t, ready.Checks)
	for name, state := range ready.Checks {
		require.EqualValues(t, "ok", state, name)
	}
}

// series are the names of the metrics that operators build on.
var series = []string{
	"licenseledger_http_requests_total", "licenseledger_http_request_duration_seconds_bucket", "licenseledger_http_requests_in_flight",
	"licenseledger_projection_position", "licenseledger_projection_lag_events", "licenseledger_projection_state",
	"licenseledger_projection_events_applied_total", "go_goroutines", "process_resident_memory_bytes",
}

func TestMetricsAreToldInPrometheusText(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	answer := v.machine.Get("/metrics")
	require.Equal(t, http.StatusOK, answer.Status)
	text := string(answer.Body)
	for _, name := range series {
		require.Regexp(t, regexp.MustCompile(`(?m)^`+name+`[ {]`), text)
	}
	require.Contains(t, text, `route="/v1/licenses"`)
	require.NotContains(t, text, l.ID.String(), "a series per licence would have no bound")
}

func TestTheServedContractIsTheOneInTheRepository(t *testing.T) {
	t.Parallel()
	answer := fixture.shared.Anyone(t).Get("/openapi.json")
	require.Equal(t, http.StatusOK, answer.Status)
	text, err := os.ReadFile(filepath.Join(process.Repository(), "httpapi", "openapi.yaml"))
	require.NoError(t, err)
	var wanted any
	require.NoError(t, yaml.Unmarshal(text, &wanted))
	asJSON, err := json.Marshal(forReaders(wanted))
	require.NoError(t, err)
	require.JSONEq(t, string(asJSON), string(answer.Body))
}

// forReaders leaves out what only the code generator reads.
func forReaders(node any) any {
	switch n := node.(type) {
	case map[string]any:
		for name, value := range n {
			if strings.HasPrefix(name, "x-go-") {
				delete(n, name)
				continue
			}
			n[name] = forReaders(value)
		}
	case []any:
		for i, value := range n {
			n[i] = forReaders(value)
		}
	}
	return node
}

// loaded finds what a page loads.
var loaded = regexp.MustCompile(`(?:src|href)="([^"]+)"`)

func TestTheDocumentationIsServedFromTheBinary(t *testing.T) {
	t.Parallel()
	anyone := fixture.shared.Anyone(t)
	for _, path := range []string{"/docs", "/redoc"} {
		page := anyone.Get(path)
		require.Equal(t, http.StatusOK, page.Status)
		require.Contains(t, page.Header.Get("Content-Type"), "text/html")
		require.NotContains(t, page.Header.Get("Content-Security-Policy"), "http")
		assets := loaded.FindAllStringSubmatch(string(page.Body), -1)
		require.NotEmpty(t, assets)
		for _, asset := range assets {
			from, err := url.Parse(path)
			require.NoError(t, err)
			target, err := from.Parse(asset[1])
			require.NoError(t, err)
			require.Empty(t, target.Host, "%s loads %s from elsewhere", path, asset[1])
			if target.Scheme == "data" {
				continue
			}
			response := anyone.Open(t.Context(), target.Path)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusOK, response.StatusCode, target.Path)
		}
	}
}

func TestBrowsersAreToldToDoNothingWithAnAnswerButReadIt(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v1/licenses", "/healthz/live", "/nowhere"} {
		response := fixture.shared.Anyone(t).Open(t.Context(), path)
		require.NoError(t, response.Body.Close())
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			require.Equal(t, value, response.Header.Get(name), "%s of %s", name, path)
		}
		require.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Empty(t, response.Header.Get("Server"))
	}
}

func TestARequestWithoutAFitCorrelationIDGetsOne(t *testing.T) {
	t.Parallel()
	for _, sent := range []string{"", "with blanks in it", strings.Repeat("x", 129)} {
		client := fixture.shared.Anyone(t)
		if sent != "" {
			client = client.With("X-Request-Id", sent)
		}
		response := client.Open(t.Context(), "/healthz/live")
		require.NoError(t, response.Body.Close())
		require.NotEqual(t, sent, response.Header.Get("X-Request-Id"))
		require.NotEmpty(t, response.Header.Get("X-Request-Id"))
	}
}

// Nothing that opens something, and nothing that identifies a person, may be stored in clear: not in the ledger and its
// files, not in the log. The read models hold names and addresses, which is what they are for, but no key either.
func TestSecretsAndPersonalDataAreNowhereInClear(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded, func(o *process.Options) { o.Env = []string{"LICENSELEDGER_LOG_LEVEL=debug"} })
	v := newTenantClientOn(t, server, nil, nil)
	l := v.issue(object{"customer": object{"name": "Augusta Secretname", "email": "augusta@secret-address.example"}})
	laptop := object{"name": "augustas-secret-host", "components": object{"cpu": "secret-cpu-4711", "board": "secret-board-4712",
		"mac": []string{"5e:c2:e7:00:00:01"}}}
	a := v.activate(l.Key, laptop)
	desktop := object{"name": "augustas-other-host", "components": object{"cpu": "secret-cpu-4713", "board": "secret-board-4714"}}
	v.rebind(v.machine, a, object{"license_key": l.Key, "machine": desktop})
	reissued := blackbox.OK[api.LicenseWithKey](v.change(l, "reissue-key", nil))
	v.validate(object{"license_key": reissued.Key, "machine": desktop})
	v.license(l)
	// Clients make mistakes, and put things where they do not belong.
	v.tryActivate(l.Key, laptop).Refused("LICENSE_KEY_INVALID")
	v.machine.Post("/v1/validate", `{"license_key":"`+reissued.Key+`",}`).Refused("INVALID_REQUEST")
	malformed := object{"license_key": reissued.Key, "machine": object{"fingerprint": "secret-cpu-4713"}}
	v.machine.Post("/v1/validate", malformed).Refused("INVALID_REQUEST")
	v.admin.Get("/v1/licenses?license_key=" + reissued.Key).Refused("INVALID_REQUEST")
	v.admin.Get("/v1/licenses/" + reissued.Key).Refused("INVALID_REQUEST")
	v.machine.With("Authorization", "Bearer "+server.AdminKey()+"x").Get("/v1/licenses").Refused("UNAUTHENTICATED")
	v.admin.Get("/v1/licenses?customer=augusta@secret-address.example&q=secretname")
	events := string(v.admin.Get("/v1/ledger/events?limit=1000").Body)
	server.Kill() // so that the write-ahead log stays where it is

	keys := []string{
		server.AdminKey(), l.Key, reissued.Key, strings.ReplaceAll(l.Key, "-", ""), strings.ReplaceAll(reissued.Key, "-", ""),
		"secret-cpu", "secret-board", "5e:c2:e7",
	}
	personal := []string{"Secretname", "secretname", "secret-address", "secret-host", "augustas-other-host"}
	places := map[string]string{"events": events, "log": server.Log()}
	for _, pattern := range []string{"ledger.db*", "keys.db*", "readmodels.db*"} {
		files, err := filepath.Glob(filepath.Join(server.Options.DataDir, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			places[filepath.Base(file)] = string(content)
		}
	}
	require.NotEmpty(t, places["ledger.db-wal"])
	require.Contains(t, places["log"], "/v1/activations", "the log has every request")
	for place, content := range places {
		for _, secret := range keys {
			require.False(t, strings.Contains(content, secret), "%s holds %q", place, secret)
		}
		for _, secret := range personal {
			if !strings.HasPrefix(place, "readmodels.db") {
				require.False(t, strings.Contains(content, secret), "%s holds %q", place, secret)
			}
		}
	}
}

func TestTheFilesOfAServerAreForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	server := newServer(t, embedded)
	entries, err := os.ReadDir(server.Options.DataDir)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s has mode %o", entry.Name(), info.Mode().Perm())
	}
	info, err := os.Stat(server.Options.DataDir)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)
}

func TestEveryLineOfAJSONLogIsOne(t *testing.T) {
	t.Parallel()
	server := newServer(t, func(o *process.Options) { o.Env = append(o.Env, "LICENSELEDGER_LOG_FORMAT=json") })
	server.Admin(t).With("X-Request-Id", "found-in-the-log").Get("/v1/nothing").Refused("NOT_FOUND")
	server.MustStop(t)
	found := false
	for lines := bufio.NewScanner(strings.NewReader(server.Log())); lines.Scan(); {
		var line map[string]any
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), lines.Text())
		require.Contains(t, line, "msg")
		found = found || strings.Contains(lines.Text(), "found-in-the-log")
	}
	require.True(t, found)
}
