package queryapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

const (
	// writeTimeout is how long a write to the client may block.
	writeTimeout = 30 * time.Second
	// drainTimeout is how long writes may block once the server shuts down.
	drainTimeout = time.Second
	// streamBuffer is how many bytes are buffered before they are written to the connection.
	streamBuffer = 32 << 10
)

// ndjsonWriter writes events to a client, one JSON object per line.
type ndjsonWriter struct {
	response http.ResponseWriter
	control  *http.ResponseController
	encoding chan struct{} // shared by all streams, to leave processor time to other requests
	buffer   bytes.Buffer
	json     *json.Encoder
	count    int

	mu    sync.Mutex
	ended bool // the server shuts down, and the deadline must not be moved any more
}

func newNDJSONWriter(response http.ResponseWriter, encoding chan struct{}) *ndjsonWriter {
	w := &ndjsonWriter{response: response, control: http.NewResponseController(response), encoding: encoding}
	w.json = json.NewEncoder(&w.buffer)
	w.json.SetEscapeHTML(false)
	return w
}

// begin sends the response headers, before there are events.
func (w *ndjsonWriter) begin() error {
	w.response.WriteHeader(http.StatusOK)
	return w.flush()
}

func (w *ndjsonWriter) write(e event.Envelope) error {
	if err := w.encode(e); err != nil {
		return fmt.Errorf("encode the event at position %d: %w", e.Position, err)
	}
	w.count++
	if w.buffer.Len() < streamBuffer {
		return nil
	}
	return w.send()
}

func (w *ndjsonWriter) encode(e event.Envelope) error {
	w.encoding <- struct{}{}
	defer func() { <-w.encoding }()
	return w.json.Encode(present.Event(e))
}

// writeBatch writes the events of a batch that the query selects, and flushes them.
func (w *ndjsonWriter) writeBatch(batch []event.Envelope, query eventQuery) error {
	for _, e := range batch {
		if !query.matches(e) {
			continue
		}
		if err := w.write(e); err != nil {
			return err
		}
		if w.count == query.limit {
			break
		}
	}
	return w.flush()
}

// send writes the buffer to the connection.
func (w *ndjsonWriter) send() error {
	if err := w.deadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := w.buffer.WriteTo(w.response); err != nil {
		return clientGone(err)
	}
	return nil
}

// flush writes the buffer to the connection and flushes that.
func (w *ndjsonWriter) flush() error {
	if err := w.send(); err != nil {
		return err
	}
	if err := w.control.Flush(); err != nil {
		return clientGone(err)
	}
	return nil
}

// clientGone wraps a failed write as [context.Canceled]: the client does not receive, so it gets no problem document either.
func clientGone(err error) error { return fmt.Errorf("send events: %w: %w", context.Canceled, err) }

// until returns a context that ends when the server drains. From then on writes may block for [drainTimeout] in total. The caller must
// call end when the stream has ended: it removes the connection's deadline for the next request, unless the server drains.
func (w *ndjsonWriter) until(client context.Context, draining <-chan struct{}) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(client)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-draining:
			w.end()
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-watched
		_ = w.deadline(time.Time{})
	}
}

// end sets the last deadline.
func (w *ndjsonWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	_ = w.control.SetWriteDeadline(time.Now().Add(drainTimeout)) // if it is not supported, no deadline was set before
}

func (w *ndjsonWriter) deadline(at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil
	}
	if err := w.control.SetWriteDeadline(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set the write deadline: %w", err)
	}
	return nil
}
