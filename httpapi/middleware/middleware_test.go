package middleware_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/correlation"
	"github.com/licenseledger/licenseledger/httpapi/middleware"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

const twoEndpoints = `
paths:
  /open/{id}: { post: { operationId: open, x-side: command, x-access: { permission: license.validate }, security: [], responses: {} } }
  /closed: { get: { operationId: closed, x-side: query, x-access: { permission: license.read }, responses: {} } }
  /either: { post: { operationId: either, x-side: command, x-access: { permission: machine.release },
    security: [{admin_key: []}, {}], responses: {} } }
`

func operations(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Parse([]byte(twoEndpoints))
	require.NoError(t, err)
	return c
}

// steps is a clock that moves on by a second whenever it is looked at.
func steps() func() time.Time {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func serve(e *echo.Echo, method, target string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, request)
	return recorder
}

func TestTheAccessLogTellsTheRequestButNoSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := echo.New()
	reporter := problem.Reporter{Log: slog.New(slog.DiscardHandler)}
	e.Use(middleware.Correlate(func() string { return "made" }), middleware.AccessLog(slog.New(slog.NewJSONHandler(&log, nil)), steps()),
		middleware.Problems(reporter))
	e.GET("/v1/licenses/:id", func(*echo.Context) error { return license.ErrSuspended })
	const id = "018f6b0e-0d3c-7cc0-9d5b-2f6d3f6a9a11"
	serve(e, http.MethodGet, "/v1/licenses/"+id+"?q=ada@example.com", "Authorization", "Bearer secret-key")
	var line map[string]any
	require.NoError(t, json.Unmarshal(log.Bytes(), &line))
	delete(line, "time")
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "/v1/licenses/:id", "id": id, "status": 422.0,
		"bytes": line["bytes"], "took": 1e9, "from": "192.0.2.1", "correlation": "made",
	}, line)
	require.Positive(t, line["bytes"])

	log.Reset()
	serve(e, "BREW", "/0A1B2-C3D4E-5F6G7-H8J9K-MNPQR")
	serve(e, http.MethodGet, "/v1/licenses/0A1B2-C3D4E-5F6G7-H8J9K-MNPQR")
	require.NotContains(t, log.String(), "0A1B2", "a licence key that stands where an id belongs is not logged")
	require.Contains(t, log.String(), `"method":"OTHER","route":"unmatched"`)
}

func TestMetricsCountByRouteAndStatus(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	measure, err := middleware.Metrics(registry, steps())
	require.NoError(t, err)
	e := echo.New()
	e.Use(measure, middleware.Problems(problem.Reporter{Log: slog.New(slog.DiscardHandler)}))
	e.GET("/v1/licenses/:id", func(c *echo.Context) error { return c.String(http.StatusOK, "four") })
	e.GET("/panic", func(*echo.Context) error { panic("oh") })
	for _, path := range []string{"/v1/licenses/1", "/v1/licenses/2", "/panic", "/nowhere", "/nowhere/else"} {
		serve(e, http.MethodGet, path)
	}
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP licenseledger_http_requests_total Requests.
# TYPE licenseledger_http_requests_total counter
licenseledger_http_requests_total{method="GET",route="/panic",status="500"} 1
licenseledger_http_requests_total{method="GET",route="/v1/licenses/:id",status="200"} 2
licenseledger_http_requests_total{method="GET",route="unmatched",status="404"} 2
# HELP licenseledger_http_requests_in_flight Requests in flight.
# TYPE licenseledger_http_requests_in_flight gauge
licenseledger_http_requests_in_flight 0
`), "licenseledger_http_requests_total", "licenseledger_http_requests_in_flight"))
	_, err = middleware.Metrics(registry, steps())
	require.Error(t, err, "the same metrics cannot be registered twice")
}

func TestThePrincipalIsWhoTheContractWants(t *testing.T) {
	t.Parallel()
	admin := access.Principal{Tenant: access.DefaultTenant, Actor: "admin", Role: access.Admin}
	machine := access.Principal{Actor: "machine", Role: access.Machine}
	const good, bad = "Bearer right", "Bearer wrong"
	for name, c := range map[string]struct {
		method, path  string
		authorization []string
		principal     *access.Principal // nil: refused
	}{
		"open, nobody":      {"POST", "/open/1", nil, &machine},
		"open, wrong key":   {"POST", "/open/1", []string{bad}, &machine},
		"open, right key":   {"POST", "/open/1", []string{good}, &machine},
		"closed, nobody":    {"GET", "/closed", nil, nil},
		"closed, wrong key": {"GET", "/closed", []string{bad}, nil},
		"closed, right key": {"GET", "/closed", []string{good}, &admin},
		"closed, two keys":  {"GET", "/closed", []string{good, good}, nil},
		"closed, no scheme": {"GET", "/closed", []string{"right"}, nil},
		"closed, empty key": {"GET", "/closed", []string{"Bearer "}, nil},
		"either, nobody":    {"POST", "/either", nil, &machine},
		"either, wrong key": {"POST", "/either", []string{bad}, nil},
		"either, right key": {"POST", "/either", []string{good}, &admin},
		"unknown, nobody":   {"GET", "/undocumented", nil, nil},
		"unknown, key":      {"GET", "/undocumented", []string{good}, &admin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var acted *access.Principal
			handler := func(c *echo.Context) error {
				p, err := access.From(c.Request().Context())
				acted = &p
				return err
			}
			e := echo.New()
			e.Use(middleware.Authenticate(operations(t), middleware.NewAdminKey("right")))
			e.POST("/open/:id", handler)
			e.GET("/closed", handler)
			e.POST("/either", handler)
			e.GET("/undocumented", handler)
			var headers []string
			for _, value := range c.authorization {
				headers = append(headers, "Authorization", value)
			}
			serve(e, c.method, c.path, headers...)
			require.Equal(t, c.principal, acted)
		})
	}
}

func TestAnIDIsTakenOverOrMade(t *testing.T) {
	t.Parallel()
	for sent, used := range map[string]string{
		"": "made", "a-1.2_3:4/5+6=7@8": "a-1.2_3:4/5+6=7@8", "with blank": "made", "line\nbreak": "made", "ümlaut": "made",
		strings.Repeat("x", 128): strings.Repeat("x", 128), strings.Repeat("x", 129): "made",
	} {
		e := echo.New()
		e.Use(middleware.Correlate(func() string { return "made" }))
		e.GET("/", func(c *echo.Context) error { return c.String(http.StatusOK, correlation.From(c.Request().Context())) })
		recorder := serve(e, http.MethodGet, "/", "X-Request-Id", sent)
		require.Equal(t, used, recorder.Body.String())
		require.Equal(t, used, recorder.Header().Get("X-Request-Id"))
	}
}

func TestBrowsersMayDoNothing(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.Use(middleware.SecurityHeaders())
	e.GET("/", func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) })
	plain, secured := serve(e, http.MethodGet, "http://example.com/"), serve(e, http.MethodGet, "https://example.com/")
	for name, value := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Permissions-Policy": "camera=()",
	} {
		require.Contains(t, plain.Header().Get(name), value, name)
	}
	require.Empty(t, plain.Header().Get("Strict-Transport-Security"))
	require.NotEmpty(t, secured.Header().Get("Strict-Transport-Security"))
}

func TestWhatFailsAfterItBeganIsCutOff(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := echo.New()
	e.Use(middleware.Problems(problem.Reporter{Log: slog.New(slog.NewTextHandler(&log, nil))}))
	e.GET("/", func(c *echo.Context) error {
		if _, err := c.Response().Write([]byte("half")); err != nil {
			return err
		}
		return errors.New("the other half is lost")
	})
	server := httptest.NewServer(e)
	response, err := http.Get(server.URL)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		require.NoError(t, response.Body.Close())
	}
	server.Close() // the handler has returned
	require.Error(t, err, "half an answer is not taken for a whole one")
	require.Equal(t, 1, strings.Count(log.String(), "the other half is lost"))
}

func TestAnAbortedAnswerIsNotAPanic(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.Use(middleware.Problems(problem.Reporter{Log: slog.New(slog.DiscardHandler)}))
	e.GET("/", func(*echo.Context) error { panic(http.ErrAbortHandler) })
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { serve(e, http.MethodGet, "/") })
}

const changingEndpoints = `
paths:
  /things/{id}:
    delete:
      operationId: delete
      x-side: command
      x-access: { permission: machine.release }
      parameters: [{ name: force, in: query }]
      requestBody: { content: { application/json: {} } }
      x-max-body-bytes: 20
      security: [{ admin_key: [] }, {}]
    patch:
      operationId: patch
      x-side: command
      x-access: { permission: machine.release }
      parameters: [{ name: force, in: query }]
      requestBody: { content: { application/json: {} } }
      x-max-body-bytes: 20
      security: [{ admin_key: [] }, {}]
`

// The contract holds for methods that no endpoint of today has.
func TestTheContractHoldsForEveryMethod(t *testing.T) {
	t.Parallel()
	document, err := contract.Parse([]byte(changingEndpoints))
	require.NoError(t, err)
	reporter := problem.Reporter{Log: slog.New(slog.DiscardHandler)}
	e := echo.NewWithConfig(echo.Config{Binder: middleware.NewJSONBinder(document)})
	e.Use(middleware.Problems(reporter), middleware.Authenticate(document, middleware.NewAdminKey("key")),
		middleware.KnownParameters(document))
	handler := func(c *echo.Context) error {
		var body map[string]string
		if err := c.Bind(&body); err != nil {
			return err
		}
		principal, err := access.From(c.Request().Context())
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, string(principal.Role))
	}
	e.DELETE("/things/:id", handler)
	e.PATCH("/things/:id", handler)
	ask := func(method, target, body string, headers ...string) (int, string) {
		request := httptest.NewRequest(method, target, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, request)
		return recorder.Code, recorder.Body.String()
	}
	for _, method := range []string{http.MethodDelete, http.MethodPatch} {
		status, answer := ask(method, "/things/1?force=yes", `{"reason":"old"}`)
		require.Equal(t, http.StatusOK, status, "%s: %s", method, answer)
		require.Equal(t, "machine", answer, "a credential is not needed")
		_, answer = ask(method, "/things/1?force=yes", `{"reason":"old"}`, "Authorization", "Bearer key")
		require.Equal(t, "admin", answer, method)
		status, _ = ask(method, "/things/1?farce=yes", `{"reason":"old"}`)
		require.Equal(t, http.StatusBadRequest, status, method)
		status, _ = ask(method, "/things/1", `{"reason":"older than that"}`)
		require.Equal(t, http.StatusRequestEntityTooLarge, status, method)
	}
}
