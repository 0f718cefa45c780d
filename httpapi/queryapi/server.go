// Package queryapi serves the queries: lists and details from the read models, the events of the ledger, and the status of the
// projections. The interfaces, and the code that reads requests and writes responses, are generated from openapi.yaml.
package queryapi

import (
	"context"
	"runtime"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/middleware"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// Config holds what the queries need.
type Config struct {
	Catalog     Catalog
	Licenses    Licenses
	Machines    Machines
	Timeline    Timeline
	Ledger      eventstore.Store
	Epoch       uuid.UUID // of the ledger
	Projections Projections
	WaitTimeout time.Duration   // how long a query waits for its Ledger-Position
	Draining    <-chan struct{} // closed when the server begins to shut down: open streams end

	MaxStreams             int // how many streams of the ledger may be open
	MaxStreamsPerPrincipal int // and how many of them by one principal
}

// Catalog finds products, plans and signing keys. [catalog.Queries] implements it.
type Catalog interface {
	Product(ctx context.Context, tenant, idOrCode string) (catalog.Product, error)
	Products(ctx context.Context, tenant string, paging store.Paging) (store.Page[catalog.Product], error)
	Plan(ctx context.Context, tenant string, id uuid.UUID) (catalog.Plan, error)
	Plans(ctx context.Context, tenant string, filter catalog.PlanFilter, paging store.Paging) (store.Page[catalog.Plan], error)
	SigningKeys(ctx context.Context, productID uuid.UUID) ([]catalog.SigningKey, error)
}

// Licenses finds licences. [licenses.Queries] implements it.
type Licenses interface {
	Find(ctx context.Context, tenant string, id uuid.UUID) (licenses.License, error)
	List(ctx context.Context, tenant string, filter licenses.Filter, paging store.Paging) (store.Page[licenses.License], error)
}

// Machines finds the machines of a licence. [machines.Queries] implements it.
type Machines interface {
	OfLicense(ctx context.Context, tenant string, licenseID uuid.UUID, paging store.Paging) (store.Page[machines.Machine], error)
}

// Timeline finds the events of a licence. [timeline.Queries] implements it.
type Timeline interface {
	OfLicense(ctx context.Context, tenant string, licenseID uuid.UUID, paging store.Paging) (store.Page[timeline.Entry], error)
}

// Projections keeps the read models up to date. Package projections implements it.
type Projections interface {
	// Status returns the status of every projection.
	Status(ctx context.Context) ([]store.ProjectionStatus, error)
	// Await returns when projections have reached a position of the ledger, or at once when one of them has failed before it.
	Await(ctx context.Context, projections []string, position uint64) error
}

// New returns the handlers of all queries.
func New(c Config) ServerInterface {
	return endpoints{
		ServerInterface: NewStrictHandler(server{c}, []StrictMiddlewareFunc{rememberURL, authorize}),
		events: eventStreamer{
			ledger: c.Ledger, epoch: c.Epoch, draining: c.Draining,
			open:     &openStreams{limit: c.MaxStreams, limitPerOwner: c.MaxStreamsPerPrincipal},
			encoding: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		},
	}
}

type server struct{ Config }

// endpoints adds streams, which the generated handlers do not support.
type endpoints struct {
	ServerInterface
	events eventStreamer
}

// ListLedgerEvents implements [ServerInterface]: as a stream if the client accepts NDJSON, otherwise as a page.
func (e endpoints) ListLedgerEvents(c *echo.Context, params api.ListLedgerEventsParams) error {
	if middleware.AcceptsNDJSON(c) {
		if err := requirePermission(c.Request().Context(), "ListLedgerEvents"); err != nil {
			return err
		}
		return e.events.stream(c, params)
	}
	return e.ServerInterface.ListLedgerEvents(c, params)
}
