package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/middleware"
)

// flushEvery is after how many events a long run is sent.
const flushEvery = 512

// feed streams the ledger.
type feed struct {
	ledger   eventstore.Store
	epoch    uuid.UUID // of the ledger
	draining <-chan struct{}
	open     *openStreams
	encoding chan struct{} // holds a token for each stream that encodes events
}

// stream answers with one event per line, and goes on with what happens next when the client wants to follow. It ends at
// the end of the ledger or at the limit; following, when the client leaves or the server shuts down. A stream that fails
// midway, or is not at the end of the ledger when the server shuts down, is cut off, so that its end cannot be taken for the
// ledger's. Streams beyond the bounds are refused.
func (f feed) stream(c *echo.Context, params api.ListLedgerEventsParams) error {
	request := c.Request()
	asked, err := askedEvents(request.Context(), params)
	if err != nil {
		return err
	}
	if _, err := ledgerPosition(params.LedgerPosition); err != nil {
		return err
	}
	if _, err := asked.start(request.Context(), f.ledger, f.epoch); err != nil {
		return err
	}
	leave, err := f.open.enter(asked.principal)
	if err != nil {
		return err
	}
	defer leave()
	header := c.Response().Header()
	header.Set("Ledger-Epoch", f.epoch.String())
	header.Set("Content-Type", middleware.NDJSON)
	header.Set("X-Accel-Buffering", "no") // a proxy must not hold lines back
	if request.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	out := newLines(c.Response(), f.encoding)
	ctx, end := out.until(request.Context(), f.draining)
	defer end()
	if value(params.Follow) {
		return f.follow(ctx, asked, out)
	}
	if err := f.dump(ctx, asked, out); err != nil {
		if ctx.Err() != nil && request.Context().Err() == nil {
			return fmt.Errorf("%w: %w", eventstore.ErrClosed, err) // the server shuts down
		}
		return err
	}
	return nil
}

// dump sends what is there.
func (f feed) dump(ctx context.Context, asked events, out *lines) error {
	for e, err := range asked.read(ctx, f.ledger.Exports()) {
		if err != nil {
			return err
		}
		if err := out.write(e); err != nil {
			return err
		}
		if asked.limit > 0 && out.count == asked.limit {
			break
		}
		if out.count%flushEvery == 0 {
			if err := out.flush(); err != nil {
				return err
			}
		}
	}
	return out.flush()
}

// follow sends what is there and what comes, run by run.
func (f feed) follow(ctx context.Context, asked events, out *lines) (err error) {
	subscription, err := f.ledger.Exports().Subscribe(ctx, asked.after)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subscription.Close()) }()
	if err := out.begin(); err != nil {
		return err
	}
	for asked.limit == 0 || out.count < asked.limit {
		run, err := subscription.Next(ctx, flushEvery)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, eventstore.ErrClosed) {
				return nil // the client left or the server shuts down
			}
			return err
		}
		if err := out.writeRun(run, asked); err != nil {
			return err
		}
	}
	return nil
}
