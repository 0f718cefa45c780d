package httpapi

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/commandapi"
	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/docsui"
	"github.com/licenseledger/licenseledger/httpapi/health"
	"github.com/licenseledger/licenseledger/httpapi/middleware"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/httpapi/queryapi"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

//go:embed openapi.yaml
var openapi []byte

// The default time limits.
const (
	DefaultTimeout     = 30 * time.Second // of a request
	DefaultWaitTimeout = 5 * time.Second  // of a query's wait for its Ledger-Position
)

// The default limits of open streams of the ledger.
const (
	DefaultMaxStreams             = 256
	DefaultMaxStreamsPerPrincipal = 64
)

// Config holds what the API needs. All fields are required unless they say otherwise.
type Config struct {
	Commands    *commands.Handler
	ReadModels  *store.DB
	Ledger      eventstore.Store
	Epoch       uuid.UUID // of the ledger
	Projections commandapi.Projections
	AdminKey    string
	WithoutAPI  bool             // serve only health and metrics, for an instance that only runs projections
	WithoutDocs bool             // serve no documentation pages; the document itself is served
	Ready       []health.Check   // say whether the server is ready
	Draining    <-chan struct{}  // closed when the server begins to shut down: not ready any more, open streams end
	Now         func() time.Time // measures the duration of requests
	NewID       func() uuid.UUID // of requests without a correlation id
	Log         *slog.Logger
	Registry    *prometheus.Registry // gets the HTTP metrics, and is served at /metrics
	Timeout     time.Duration        // 0: [DefaultTimeout]
	WaitTimeout time.Duration        // 0: [DefaultWaitTimeout]

	MaxStreams             int // 0: [DefaultMaxStreams]
	MaxStreamsPerPrincipal int // 0: [DefaultMaxStreamsPerPrincipal]
}

// New returns the handler of the whole API: commands, queries, health, metrics and documentation.
//
// The middleware, from the outside in: correlation id, security headers, metrics, access log, problem documents for errors and panics, and
// the check of the path, the query and the headers. Endpoints of the API have in addition: time limit, deprecation headers, authentication,
// the check of query parameters, and the list of If-Match.
//
// New fails if the contract has a rule that the server cannot enforce, or if contract and routes differ.
func New(c Config) (http.Handler, error) { return serve(c, openapi) }

func serve(c Config, openapi []byte) (http.Handler, error) {
	if c.AdminKey == "" {
		return nil, errors.New("serve the API: an admin key is required")
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.WaitTimeout = cmp.Or(c.WaitTimeout, DefaultWaitTimeout)
	c.MaxStreams = cmp.Or(c.MaxStreams, DefaultMaxStreams)
	c.MaxStreamsPerPrincipal = cmp.Or(c.MaxStreamsPerPrincipal, DefaultMaxStreamsPerPrincipal)
	document, err := contract.Parse(openapi)
	if err != nil {
		return nil, err
	}
	measure, err := middleware.Metrics(c.Registry, c.Now)
	if err != nil {
		return nil, err
	}
	reporter := problem.Reporter{Log: c.Log}
	e := echo.NewWithConfig(echo.Config{
		Logger:           c.Log,
		HTTPErrorHandler: func(ctx *echo.Context, err error) { middleware.WriteProblem(reporter, ctx, err) },
		Router:           echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true}),
		Binder:           middleware.NewJSONBinder(document),
		IPExtractor:      echo.ExtractIPDirect(),

		NoGroupAutoRegister404Routes: true,
	})
	e.Pre(middleware.UnreservedLetters())
	e.Use(
		middleware.Correlate(func() string { return c.NewID().String() }),
		middleware.SecurityHeaders(),
		measure,
		middleware.AccessLog(c.Log, c.Now),
		middleware.Problems(reporter),
		middleware.Text(),
	)
	c.routeSystem(e)
	if c.WithoutAPI {
		return e, allDocumented(document, e.Router().Routes())
	}
	c.routeAPI(e, document, reporter)
	docsui.RegisterDocument(e, document.JSON())
	if !c.WithoutDocs {
		if err := docsui.RegisterPages(e); err != nil {
			return nil, fmt.Errorf("serve the documentation: %w", err)
		}
	}
	routes := e.Router().Routes()
	return e, errors.Join(allDocumented(document, routes), allServed(document, routes, c.WithoutDocs))
}

func (c Config) routeAPI(e *echo.Echo, document *contract.Contract, reporter problem.Reporter) {
	endpoints := e.Group("",
		middleware.Timeout(document, c.Timeout),
		middleware.Deprecation(document),
		middleware.Authenticate(document, middleware.NewAdminKey(c.AdminKey)),
		middleware.KnownParameters(document),
		middleware.IfMatch(),
	)
	commandapi.RegisterHandlers(endpoints, commandapi.New(commandapi.Config{
		Commands:    c.Commands,
		Machines:    machines.New(c.ReadModels),
		Head:        c.Ledger.Head,
		Projections: c.Projections,
		WaitTimeout: c.WaitTimeout,
		Problems:    reporter,
	}))
	queryapi.RegisterHandlers(endpoints, queryapi.New(queryapi.Config{
		Catalog:     catalog.New(c.ReadModels),
		Licenses:    licenses.New(c.ReadModels),
		Machines:    machines.New(c.ReadModels),
		Timeline:    timeline.New(c.ReadModels),
		Ledger:      c.Ledger,
		Epoch:       c.Epoch,
		Projections: c.Projections,
		WaitTimeout: c.WaitTimeout,
		Draining:    c.Draining,

		MaxStreams:             c.MaxStreams,
		MaxStreamsPerPrincipal: c.MaxStreamsPerPrincipal,
	}))
}

func (c Config) routeSystem(e *echo.Echo) {
	e.GET("/healthz/live", health.Live)
	e.GET("/healthz/ready", health.Ready(c.Ready, c.Draining))
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(c.Registry, promhttp.HandlerOpts{Registry: c.Registry})))
}
