// Package queryapi serves what is read: lists and details from the read models, the ledger itself, and how far the
// projections are. The interfaces and the plumbing are generated from openapi.yaml.
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
	"github.com/licenseledger/licenseledger/readmodels"
)

// Config is what the queries are served from.
type Config struct {
	ReadModels  *readmodels.DB
	Ledger      eventstore.Store
	Epoch       uuid.UUID // of the ledger
	Projections Projections
	WaitTimeout time.Duration   // how long a query waits for the Ledger-Position it asks for
	Draining    <-chan struct{} // closed when the server begins to shut down: open streams end

	MaxStreams             int // how many streams of the ledger may be open
	MaxStreamsPerPrincipal int // and how many of them by one principal
}

// Projections is what keeps the read models up to date. Package projections implements it.
type Projections interface {
	// Status tells where every projection stands.
	Status(ctx context.Context) ([]readmodels.ProjectionStatus, error)
	// Await returns when the named projections have reached a position, or at once when one of them has failed before it.
	Await(ctx context.Context, names []string, position uint64) error
}

// New returns the handlers of all queries.
func New(c Config) ServerInterface {
	return endpoints{
		ServerInterface: NewStrictHandler(server{c}, []StrictMiddlewareFunc{rememberURL, authorize}),
		feed: feed{
			ledger: c.Ledger, epoch: c.Epoch, draining: c.Draining,
			open:     &openStreams{most: c.MaxStreams, mostEach: c.MaxStreamsPerPrincipal},
			encoding: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		},
	}
}

type server struct{ Config }

// endpoints adds to the generated handlers what they cannot do: streams.
type endpoints struct {
	ServerInterface
	feed feed
}

// ListLedgerEvents implements [ServerInterface]: as a stream when the client asks for one, otherwise as a page.
func (e endpoints) ListLedgerEvents(c *echo.Context, params api.ListLedgerEventsParams) error {
	if middleware.AcceptsNDJSON(c) {
		if err := permitted(c.Request().Context(), "ListLedgerEvents"); err != nil {
			return err
		}
		return e.feed.stream(c, params)
	}
	return e.ServerInterface.ListLedgerEvents(c, params)
}
