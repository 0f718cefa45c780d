package contracttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport is an [http.RoundTripper] that checks every exchange, except NDJSON streams.
type Transport struct {
	Checker *Checker
	Base    http.RoundTripper // nil: [http.DefaultTransport]
	Broken  func(error)       // is called with each deviation from the document, possibly concurrently
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	sent, err := buffer(&request.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	response, err := base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.Header.Get("Content-Type") == "application/x-ndjson" {
		return response, nil
	}
	received, err := buffer(&response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the response: %w", err)
	}
	if err := t.Checker.Check(request, sent, response, received); err != nil {
		t.Broken(err)
	}
	return response, nil
}

// buffer reads a body and replaces it by an equal one.
func buffer(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	content, err := io.ReadAll(*body)
	if err != nil {
		return nil, err
	}
	if err := (*body).Close(); err != nil {
		return nil, err
	}
	*body = io.NopCloser(bytes.NewReader(content))
	return content, nil
}
