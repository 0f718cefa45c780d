package httpapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/contracttest"
	"github.com/licenseledger/licenseledger/httpapi/health"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/projections"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

const adminKey = "an-admin-key-for-tests"

// fixture is a server on an embedded ledger, every exchange with which is checked against the contract.
type fixture struct {
	commands    *commands.Handler
	t           testing.TB
	url         string
	handler     http.Handler
	client      *http.Client
	ledger      eventstore.Store
	projections *runtime.Runner
	log         *logged
	drain       func()

	clock struct {
		sync.Mutex
		ahead time.Duration
	}
}

func (w *fixture) now() time.Time {
	w.clock.Lock()
	defer w.clock.Unlock()
	return time.Now().Add(w.clock.ahead)
}

// pass lets time pass for the decisions of the server.
func (w *fixture) pass(d time.Duration) {
	w.clock.Lock()
	defer w.clock.Unlock()
	w.clock.ahead += d
}

// logged is what the server wrote to its log.
type logged struct {
	sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) text() string {
	l.Lock()
	defer l.Unlock()
	return l.String()
}

// option changes how the server of a world is configured.
type option func(*httpapi.Config)

func newFixture(t testing.TB, options ...option) *fixture {
	t.Helper()
	w := &fixture{t: t, log: &logged{}}
	ctx, dir := t.Context(), t.TempDir()
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))

	secrets, err := keyring.OpenSQLite(ctx, filepath.Join(dir, "keys.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, secrets.Close()) })
	master := make([]byte, 32)
	_, err = rand.Read(master)
	require.NoError(t, err)
	masterKey, err := keyring.ParseMasterKey(base64.StdEncoding.EncodeToString(master))
	require.NoError(t, err)
	keys, err := keyring.Open(ctx, keyring.Config{DB: secrets, Master: masterKey, Random: rand.Reader, Now: w.now})
	require.NoError(t, err)

	ledger, err := sqlite.Open(ctx, filepath.Join(dir, "ledger.db"))
	require.NoError(t, err)
	w.ledger = ledger
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	rows, err := store.OpenSQLite(ctx, filepath.Join(dir, "readmodels.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, rows.Close()) })
	w.projections, err = runtime.Start(ctx, runtime.Config{
		Store: ledger, Registry: domain.Events(), ReadModels: rows, Owner: "test", Now: w.now, Logger: logger,
		Projectors: projections.All(runtime.PersonalData{Unsealer: keys, KeyGone: keyring.ErrKeyGone, Unavailable: keyring.ErrUnavailable}),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.projections.Close()) })
	newID := func() uuid.UUID { return uuid.Must(uuid.NewV7()) }
	handler, err := commands.New(t.Context(), commands.Config{
		Store: ledger, Events: domain.Events(), Keyring: keys, Now: w.now, NewID: newID, Issuer: "https://vendor.example", CachedLicenses: 100,
	})
	require.NoError(t, err)

	draining := make(chan struct{})
	w.drain = sync.OnceFunc(func() { close(draining) })
	w.commands = handler
	config := httpapi.Config{
		Commands: handler, ReadModels: rows, Ledger: ledger, Projections: w.projections, AdminKey: adminKey,
		Ready:    []health.Check{{Name: "ledger", Do: func(ctx context.Context) error { _, err := ledger.Head(ctx); return err }}},
		Draining: draining, Now: w.now, NewID: newID, Log: logger, Registry: prometheus.NewRegistry(),
	}
	for _, change := range options {
		change(&config)
	}
	serves, err := httpapi.New(config)
	require.NoError(t, err)
	w.handler = serves
	server := httptest.NewServer(serves)
	t.Cleanup(server.Close)
	t.Cleanup(w.drain)
	w.url = server.URL
	w.checkContract()
	return w
}

// checker reads the contract once for all tests.
var checker = sync.OnceValues(func() (*contracttest.Checker, error) {
	document, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	return contracttest.New(document)
})

// checkContract has every exchange compared with the contract.
func (w *fixture) checkContract() {
	c, err := checker()
	require.NoError(w.t, err)
	w.client = &http.Client{Transport: &contracttest.Transport{Checker: c, Broken: func(err error) { w.t.Error(err) }}}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// header adds a header to a request; an empty value removes it.
type header struct{ name, value string }

// admin asks as an operator; body is sent as JSON unless it is a string or nil.
func (w *fixture) admin(method, path string, body any, headers ...header) answer {
	w.t.Helper()
	return w.ask(method, path, body, append([]header{{"Authorization", "Bearer " + adminKey}}, headers...)...)
}

// ask asks as anybody.
func (w *fixture) ask(method, path string, body any, headers ...header) answer {
	w.t.Helper()
	var content io.Reader
	if text, raw := body.(string); raw {
		content = bytes.NewReader([]byte(text))
	} else if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(w.t, err)
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, content)
	require.NoError(w.t, err)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		request.Header.Del(h.name)
		if h.value != "" {
			request.Header.Set(h.name, h.value)
		}
	}
	response, err := w.client.Do(request)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, response.Body.Close()) }()
	received, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return answer{t: w.t, status: response.StatusCode, header: response.Header, body: received}
}

// is makes sure of the status.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a.body)
	return a
}

// refused makes sure that the answer is a problem of this status and code.
func (a answer) refused(status int, code api.ProblemCode) api.Problem {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	problem := read[api.Problem](a)
	require.Equal(a.t, code, problem.Code, "%s", a.body)
	require.NotEmpty(a.t, problem.CorrelationID)
	return problem
}

// at is the header that makes a query wait for a command.
func (a answer) at() header { return header{"Ledger-Position", a.header.Get("Ledger-Position")} }

// read decodes an answer.
func read[T any](a answer) T {
	a.t.Helper()
	var into T
	require.NoError(a.t, json.Unmarshal(a.body, &into), "%s", a.body)
	return into
}

// sold is a licence of a plan of a product.
type sold struct {
	product api.Product
	plan    api.Plan
	license api.IssuedLicense
	issued  answer
}

// sell registers a product with a plan under which a licence is issued.
func (w *fixture) sell(terms map[string]any) sold {
	w.t.Helper()
	var s sold
	s.product = read[api.Product](w.admin("POST", "/v1/products", map[string]any{"code": "cad-suite", "name": "CAD Suite"}).is(201))
	offer := map[string]any{"code": "team", "name": "Team", "type": "STANDARD", "max_machines": 2, "validity_days": 30}
	for name, value := range terms {
		offer[name] = value
	}
	s.plan = read[api.Plan](w.admin("POST", "/v1/products/"+s.product.ID.String()+"/plans", offer).is(201))
	s.issued = w.admin("POST", "/v1/licenses", order()).is(201)
	s.license = read[api.IssuedLicense](s.issued)
	return s
}

func order() map[string]any {
	return map[string]any{
		"product": "cad-suite", "plan": "team",
		"customer": map[string]any{"name": "Ada Lovelace", "email": "ada@example.com"}, "metadata": map[string]any{"order": "0815"},
	}
}

// because is the body of a command that wants a reason only.
func because(reason string) map[string]any { return map[string]any{"reason": reason} }

// laptop is a machine that presents its components.
func laptop(board string) map[string]any {
	return map[string]any{
		"components": map[string]any{"cpu": "cpu of " + board, "board": board, "mac": []string{"aa:" + board, "bb:" + board}},
		"name":       "laptop " + board, "os": "linux/amd64",
	}
}

// fingerprinted is a machine that presents a ready fingerprint.
func fingerprinted(digit byte) map[string]any {
	return map[string]any{"fingerprint": string(bytes.Repeat([]byte{digit}, 64))}
}
