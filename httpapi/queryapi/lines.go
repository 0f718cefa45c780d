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
)

const (
	// stalled is how long a client may take to receive what was sent.
	stalled = 30 * time.Second
	// lastMoment is how long it may take for that when the server shuts down.
	lastMoment = time.Second
	// streamBuffer is how many bytes are gathered before they are handed to the connection.
	streamBuffer = 32 << 10
)

// lines writes events to a client, one per line.
type lines struct {
	answer   http.ResponseWriter
	control  *http.ResponseController
	encoding chan struct{} // shared by all streams, so that they leave processor time to everybody else
	buffer   bytes.Buffer
	json     *json.Encoder
	count    int

	mu    sync.Mutex
	ended bool // the client has lastMoment left, and no new deadline is set
}

func newLines(w http.ResponseWriter, encoding chan struct{}) *lines {
	l := &lines{answer: w, control: http.NewResponseController(w), encoding: encoding}
	l.json = json.NewEncoder(&l.buffer)
	l.json.SetEscapeHTML(false)
	return l
}

// begin tells the client that the stream is open, before there are events.
func (l *lines) begin() error {
	l.answer.WriteHeader(http.StatusOK)
	return l.flush()
}

func (l *lines) write(e event.Envelope) error {
	if err := l.encode(e); err != nil {
		return fmt.Errorf("encode the event at position %d: %w", e.Position, err)
	}
	l.count++
	if l.buffer.Len() < streamBuffer {
		return nil
	}
	return l.send()
}

func (l *lines) encode(e event.Envelope) error {
	l.encoding <- struct{}{}
	defer func() { <-l.encoding }()
	return l.json.Encode(eventJSON(e))
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

// send hands what was gathered to the connection.
func (l *lines) send() error {
	if err := l.deadline(time.Now().Add(stalled)); err != nil {
		return err
	}
	if _, err := l.buffer.WriteTo(l.answer); err != nil {
		return notReceived(err)
	}
	return nil
}

// flush sends everything on its way.
func (l *lines) flush() error {
	if err := l.send(); err != nil {
		return err
	}
	if err := l.control.Flush(); err != nil {
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
