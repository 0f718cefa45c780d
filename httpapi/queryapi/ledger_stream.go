package queryapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/middleware"
)

const (
	// flushEvery is after how many events a long run is sent.
	flushEvery = 512
	// stalled is how long a client may take to receive what was sent.
	stalled = 30 * time.Second
	// streamBuffer is how many bytes are gathered before they are handed to the connection.
	streamBuffer = 32 << 10
)

// feed streams the ledger.
type feed struct {
	ledger   eventstore.Store
	epoch    uuid.UUID // of the ledger
	draining <-chan struct{}
}

// stream answers with one event per line, and goes on with what happens next when the client wants to follow. It ends at
// the end of the ledger or at the limit; following, when the client leaves or the server shuts down. A stream that fails
// midway is cut off, so that its end cannot be taken for the ledger's.
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
	header := c.Response().Header()
	header.Set("Ledger-Epoch", f.epoch.String())
	header.Set("Content-Type", middleware.NDJSON)
	header.Set("X-Accel-Buffering", "no") // a proxy must not hold lines back
	if request.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	out := newLines(c.Response())
	defer out.release()
	if value(params.Follow) {
		return f.follow(request.Context(), asked, out)
	}
	return f.dump(request.Context(), asked, out)
}

// dump sends what is there.
func (f feed) dump(ctx context.Context, asked events, out *lines) error {
	for e, err := range asked.read(ctx, f.ledger) {
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
func (f feed) follow(client context.Context, asked events, out *lines) (err error) {
	ctx, cancel := context.WithCancel(client)
	defer cancel()
	go func() {
		select {
		case <-f.draining:
			cancel()
		case <-ctx.Done():
		}
	}()
	subscription, err := f.ledger.Subscribe(ctx, asked.after)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subscription.Close()) }()
	if err := out.flush(); err != nil { // the client learns that the stream is open
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

// lines writes events to a client, one per line.
type lines struct {
	control *http.ResponseController
	buffer  *bufio.Writer
	json    *json.Encoder
	count   int
}

func newLines(w http.ResponseWriter) *lines {
	buffer := bufio.NewWriterSize(w, streamBuffer)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return &lines{control: http.NewResponseController(w), buffer: buffer, json: encoder}
}

func (l *lines) write(e event.Envelope) error {
	if err := l.json.Encode(eventJSON(e)); err != nil {
		return fmt.Errorf("send the event at position %d: %w", e.Position, err)
	}
	l.count++
	return nil
}

// writeRun sends those events of a run that are asked for, at once.
func (l *lines) writeRun(run []event.Envelope, asked events) error {
	for _, e := range run {
		if !asked.includes(e) {
			continue
		}
		if err := l.write(e); err != nil {
			return err
		}
		if l.count == asked.limit {
			break
		}
	}
	return l.flush()
}

func (l *lines) flush() error {
	if err := l.deadline(time.Now().Add(stalled)); err != nil {
		return err
	}
	if err := l.buffer.Flush(); err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	return l.control.Flush()
}

// release leaves the connection without the stream's deadline, for the next request on it.
func (l *lines) release() { _ = l.deadline(time.Time{}) }

func (l *lines) deadline(at time.Time) error {
	if err := l.control.SetWriteDeadline(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("bound the time to send: %w", err)
	}
	return nil
}
