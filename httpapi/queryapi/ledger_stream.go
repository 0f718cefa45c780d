package queryapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

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
	// lastMoment is how long it may take for that when the server shuts down.
	lastMoment = time.Second
	// streamBuffer is how many bytes are gathered before they are handed to the connection.
	streamBuffer = 32 << 10
)

// feed streams the ledger.
type feed struct {
	ledger   eventstore.Store
	draining <-chan struct{}
	open     *openStreams
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
	leave, err := f.open.enter(asked.principal)
	if err != nil {
		return err
	}
	defer leave()
	header := c.Response().Header()
	header.Set("Content-Type", middleware.NDJSON)
	header.Set("X-Accel-Buffering", "no") // a proxy must not hold lines back
	if request.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	out := newLines(c.Response())
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

// lines writes events to a client, one per line.
type lines struct {
	answer  http.ResponseWriter
	control *http.ResponseController
	buffer  *bufio.Writer
	json    *json.Encoder
	count   int

	mu    sync.Mutex
	ended bool // the client has lastMoment left, and no new deadline is set
}

func newLines(w http.ResponseWriter) *lines {
	buffer := bufio.NewWriterSize(w, streamBuffer)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	return &lines{answer: w, control: http.NewResponseController(w), buffer: buffer, json: encoder}
}

// begin tells the client that the stream is open, before there are events.
func (l *lines) begin() error {
	l.answer.WriteHeader(http.StatusOK)
	return l.flush()
}

func (l *lines) write(e event.Envelope) error {
	if err := l.json.Encode(eventJSON(e)); err != nil {
		return notReceived(err)
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
	if err := errors.Join(l.buffer.Flush(), l.control.Flush()); err != nil {
		return notReceived(err)
	}
	return nil
}

// notReceived says that a client does not receive what is sent, which is as good as gone: nobody is there to be answered.
func notReceived(err error) error { return fmt.Errorf("send events: %w: %w", context.Canceled, err) }

// until returns a context that ends when the server drains. From then on the client has a last moment to receive what was sent: then
// a write that waits for it fails. end is to be called when the stream has ended; the connection is then left without a
// deadline for the next request, unless the server drains.
func (l *lines) until(client context.Context, draining <-chan struct{}) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(client)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-draining:
			l.end()
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-watched
		_ = l.deadline(time.Time{})
	}
}

// end makes the deadline that is set now the last one.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	_ = l.control.SetWriteDeadline(time.Now().Add(lastMoment)) // where it is not supported, none was set either
}

func (l *lines) deadline(at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	if err := l.control.SetWriteDeadline(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("bound the time to send: %w", err)
	}
	return nil
}
