package blackbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

// Object is a JSON object to be sent.
type Object = map[string]any

// Client sends requests with certain headers. It is a value.
type Client struct {
	t      testing.TB
	server *Server
	header http.Header
}

// With returns a client that sends one more header.
func (c Client) With(name, value string) Client {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	return c
}

// Seeing returns a client whose queries show at least a position of the ledger.
func (c Client) Seeing(position uint64) Client {
	return c.With("Ledger-Position", strconv.FormatUint(position, 10))
}

// Get sends a query.
func (c Client) Get(path string) Response {
	c.t.Helper()
	return c.send(http.MethodGet, path, nil)
}

// Post sends a command with a JSON body.
func (c Client) Post(path string, body any) Response {
	c.t.Helper()
	return c.send(http.MethodPost, path, body)
}

// Put sends a command with a JSON body.
func (c Client) Put(path string, body any) Response {
	c.t.Helper()
	return c.send(http.MethodPut, path, body)
}

func (c Client) send(method, path string, body any) Response {
	c.t.Helper()
	r, err := c.Try(c.t.Context(), method, path, body)
	require.NoError(c.t, err)
	r.t = c.t
	return r
}

// Try sends a request and may be called from any goroutine. A body of type string is sent as it stands, anything else as JSON.
// The error says that there was no answer, or not one that the contract allows.
func (c Client) Try(ctx context.Context, method, path string, body any) (Response, error) {
	var sent []byte
	switch b := body.(type) {
	case nil:
	case string:
		sent = []byte(b)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return Response{}, err
		}
		sent = text
	}
	request, err := c.request(ctx, method, path, bytes.NewReader(sent))
	if err != nil {
		return Response{}, err
	}
	if body != nil && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if request.Header.Get("X-Request-Id") == "" {
		request.Header.Set("X-Request-Id", uuid.NewString())
	}
	before := c.server.head.Load()
	response, err := c.server.http.Do(request)
	if err != nil {
		return Response{}, err
	}
	received, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return Response{}, err
	}
	r := Response{Status: response.StatusCode, Header: response.Header, Body: received}
	if c.server.Contract == nil {
		return r, nil
	}
	return r, c.server.examine(ctx, exchange{request: request, sent: sent, response: response, received: received}, before)
}

func (c Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server.URL()+path, body)
	if err != nil {
		return nil, err
	}
	request.Header = c.header.Clone()
	return request, nil
}

// exchange is a request with its answer, both read.
type exchange struct {
	request  *http.Request
	sent     []byte
	response *http.Response
	received []byte
}

// Open sends a query and returns its answer without reading it, for streams. The caller closes the body.
func (c Client) Open(ctx context.Context, path string) *http.Response {
	c.t.Helper()
	request, err := c.request(ctx, http.MethodGet, path, http.NoBody)
	require.NoError(c.t, err)
	response, err := (&http.Client{Transport: c.server.http.Transport}).Do(request)
	require.NoError(c.t, err)
	return response
}

// examine checks everything that holds for every answer.
func (s *Server) examine(ctx context.Context, e exchange, before uint64) error {
	described := func(err error) error {
		return fmt.Errorf("%s %s: status %d: %w\n%.2000s", e.request.Method, e.request.URL, e.response.StatusCode, err, e.received)
	}
	if err := s.Contract.checker.Check(e.request, e.sent, e.response, e.received); err != nil {
		return described(err)
	}
	s.saw(s.Contract.operation(e.request))
	if position, err := strconv.ParseUint(e.response.Header.Get("Ledger-Position"), 10, 64); err == nil {
		s.reached(position)
	}
	if asked, answered := e.request.Header.Get("X-Request-Id"), e.response.Header.Get("X-Request-Id"); asked != answered {
		return described(fmt.Errorf("the correlation id is %q, not %q", answered, asked))
	}
	if missing := missingHeaders(e.response.Header); missing != "" {
		return described(fmt.Errorf("the header %s is missing", missing))
	}
	if e.response.StatusCode < http.StatusBadRequest {
		return nil
	}
	if err := s.checkProblem(e); err != nil {
		return described(err)
	}
	if e.response.StatusCode < http.StatusInternalServerError && e.request.Method != http.MethodGet {
		if err := s.checkNothingAppended(ctx, e.request.Header.Get("X-Request-Id"), before); err != nil {
			return described(err)
		}
	}
	return nil
}

func missingHeaders(header http.Header) string {
	for _, name := range []string{
		"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy",
		"Cache-Control",
	} {
		if header.Get(name) == "" {
			return name
		}
	}
	return ""
}

// checkProblem requires a problem document that says what to do next.
func (s *Server) checkProblem(e exchange) error {
	isJSON := e.response.Header.Get("Content-Type") == "application/json"
	if e.request.Method == http.MethodHead || isJSON && e.request.URL.Path == "/healthz/ready" {
		return nil
	}
	if got := e.response.Header.Get("Content-Type"); got != "application/problem+json" {
		return fmt.Errorf("a problem is declared as %q", got)
	}
	var p api.Problem
	if err := decodeStrictly(e.received, &p); err != nil {
		return err
	}
	s.saw(string(p.Code))
	switch {
	case p.Status != e.response.StatusCode:
		return fmt.Errorf("the problem speaks of status %d", p.Status)
	case p.Type != "urn:licenseledger:problem:"+string(p.Code):
		return fmt.Errorf("the problem's type %q does not fit its code", p.Type)
	case strings.TrimSpace(p.Hint) == "" || p.Title == "":
		return errors.New("the problem has no title or no hint")
	case p.CorrelationID != e.response.Header.Get("X-Request-Id"):
		return errors.New("the problem has another correlation id than the answer")
	case p.Code == "INVALID_REQUEST" && len(p.Errors) == 0:
		return errors.New("an invalid request, but no field is named")
	case p.Status == http.StatusServiceUnavailable && e.response.Header.Get("Retry-After") == "":
		return errors.New("the header Retry-After is missing")
	}
	return nil
}

// checkNothingAppended checks that a refused request left no event behind. Others may use the server at the same time, so
// what counts is whose events they are.
func (s *Server) checkNothingAppended(ctx context.Context, correlation string, after uint64) error {
	for {
		var page api.LedgerPage
		if err := s.ask(ctx, "/v1/ledger/events?limit=1000&after="+strconv.FormatUint(after, 10), &page); err != nil {
			return err
		}
		for _, e := range page.Items {
			if e.CorrelationID == correlation {
				return fmt.Errorf("the refused request appended %s at position %d", e.Type, e.Position)
			}
		}
		if page.NextAfter == nil {
			s.reached(page.Head)
			return nil
		}
		after = *page.NextAfter
	}
}

// ask reads something as an admin, outside of any scenario.
func (s *Server) ask(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+path, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.adminKey)
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %s", path, response.StatusCode, text)
	}
	return json.Unmarshal(text, into)
}

func (s *Server) saw(name string) {
	if s.Coverage != nil && name != "" {
		s.Coverage.Saw(name)
	}
}

func (s *Server) reached(position uint64) {
	for {
		known := s.head.Load()
		if position <= known || s.head.CompareAndSwap(known, position) {
			return
		}
	}
}
