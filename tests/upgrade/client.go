package upgrade

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// Client speaks to a server that works on a fixture.
type Client struct {
	url      string
	adminKey string
	http     *http.Client
}

// Connect returns a client of a server whose data directory holds its admin key.
func Connect(server *process.Process, dataDir string) (*Client, error) {
	key, err := os.ReadFile(filepath.Join(dataDir, "admin.key")) //nolint:gosec // the folder is the caller's
	if err != nil {
		return nil, err
	}
	return &Client{url: server.URL(), adminKey: strings.TrimSpace(string(key)), http: &http.Client{Timeout: time.Minute}}, nil
}

// reliedOn are the headers of answers that clients rely on. Link carries a cursor, which is the server's own.
var reliedOn = []string{"Content-Type", "Etag", "Idempotency-Replayed", "Ledger-Position", "Location", "Retry-After"}

// Send sends the request of an exchange and returns the answer to it.
func (c *Client) Send(ctx context.Context, e Exchange) (a Answer, err error) {
	request, err := http.NewRequestWithContext(ctx, e.Method, c.url+e.Path, bytes.NewReader(e.Body))
	if err != nil {
		return a, err
	}
	for name, value := range e.Headers {
		request.Header.Set(name, value)
	}
	if e.Admin {
		request.Header.Set("Authorization", "Bearer "+c.adminKey)
	}
	if e.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	if !json.Valid(body) {
		return a, fmt.Errorf("%s %s: status %d, and the body is no JSON: %.200s", e.Method, e.Path, response.StatusCode, body)
	}
	a = Answer{Status: response.StatusCode, Headers: map[string]string{}, Body: bytes.TrimSpace(body)}
	for _, name := range reliedOn {
		if value := response.Header.Get(name); value != "" {
			a.Headers[name] = value
		}
	}
	return a, nil
}

// Get asks a query as an admin and decodes the answer.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	answer, err := c.Send(ctx, Exchange{Method: http.MethodGet, Path: path, Admin: true})
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %s", path, answer.Status, answer.Body)
	}
	return json.Unmarshal(answer.Body, into)
}

// settleLimit bounds how long a server may take to record what is due and to project it.
const settleLimit = time.Minute

// Settle waits until the ledger has reached a position and every projection runs and is there.
func (c *Client) Settle(ctx context.Context, position uint64) error {
	return c.await(ctx, func(p projection) bool {
		return p.State == "RUNNING" && p.Head >= position && p.Position == p.Head
	})
}

// Rebuilt waits until a projection that was asked to has been rebuilt for the first time: it has a checksum then.
func (c *Client) Rebuilt(ctx context.Context, name string) error {
	return c.await(ctx, func(p projection) bool {
		return p.Name != name || p.State == "RUNNING" && p.Checksum != nil
	})
}

type projection struct {
	Name, State    string
	Position, Head uint64
	Checksum       *string
}

// await waits until all projections are as wanted.
func (c *Client) await(ctx context.Context, wanted func(projection) bool) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		var all struct{ Items []projection }
		if err := c.Get(ctx, "/v1/projections", &all); err != nil {
			return err
		}
		if !slices.ContainsFunc(all.Items, func(p projection) bool { return !wanted(p) }) {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("the projections do not become as wanted, but are %+v: %w", all.Items, ctx.Err())
		}
	}
}

// Head returns the position of the ledger's last event.
func (c *Client) Head(ctx context.Context) (uint64, error) {
	var page struct{ Head uint64 }
	err := c.Get(ctx, "/v1/ledger/events?limit=1", &page)
	return page.Head, err
}
