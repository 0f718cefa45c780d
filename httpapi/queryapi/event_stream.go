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

// flushEvery is after how many events a stream is flushed.
const flushEvery = 512

// eventStreamer streams the ledger.
type eventStreamer struct {
	ledger   eventstore.Store
	epoch    uuid.UUID // of the ledger
	draining <-chan struct{}
	open     *openStreams
	encoding chan struct{} // holds a token for each stream that encodes events
}

// stream responds with one event per line. It ends at the end of the ledger or at the limit. With follow, it does not end at the end of
// the ledger but sends new events, until the client leaves or the server shuts down.
//
// stream aborts the connection when reading fails, or when the server shuts down before the end of the ledger. So a client never takes
// an incomplete stream for a complete one. It fails with [problem.ErrTooManyStreams] when too many streams are open.
func (s eventStreamer) stream(c *echo.Context, params api.ListLedgerEventsParams) error {
	request := c.Request()
	query, err := newEventQuery(request.Context(), params)
	if err != nil {
		return err
	}
	if _, err := ledgerPosition(params.LedgerPosition); err != nil {
		return err
	}
	if _, err := query.checkStart(request.Context(), s.ledger, s.epoch); err != nil {
		return err
	}
	leave, err := s.open.enter(query.principal)
	if err != nil {
		return err
	}
	defer leave()
	header := c.Response().Header()
	header.Set("Ledger-Epoch", s.epoch.String())
	header.Set("Content-Type", middleware.NDJSON)
	header.Set("X-Accel-Buffering", "no") // a proxy must not hold lines back
	if request.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	out := newNDJSONWriter(c.Response(), s.encoding)
	ctx, end := out.until(request.Context(), s.draining)
	defer end()
	if api.Value(params.Follow) {
		return s.follow(ctx, query, out)
	}
	if err := s.dump(ctx, query, out); err != nil {
		if ctx.Err() != nil && request.Context().Err() == nil {
			return fmt.Errorf("%w: %w", eventstore.ErrClosed, err) // the server shuts down
		}
		return err
	}
	return nil
}

// dump sends the events up to the end of the ledger.
func (s eventStreamer) dump(ctx context.Context, query eventQuery, out *ndjsonWriter) error {
	for e, err := range query.read(ctx, s.ledger.Exports()) {
		if err != nil {
			return err
		}
		if err := out.write(e); err != nil {
			return err
		}
		if query.limit > 0 && out.count == query.limit {
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

// follow sends the events up to the end of the ledger, and then new ones.
func (s eventStreamer) follow(ctx context.Context, query eventQuery, out *ndjsonWriter) (err error) {
	subscription, err := s.ledger.Exports().Subscribe(ctx, query.after)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subscription.Close()) }()
	if err := out.begin(); err != nil {
		return err
	}
	for query.limit == 0 || out.count < query.limit {
		batch, err := subscription.Next(ctx, flushEvery)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, eventstore.ErrClosed) {
				return nil // the client left or the server shuts down
			}
			return err
		}
		if err := out.writeBatch(batch, query); err != nil {
			return err
		}
	}
	return nil
}
