package contracttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport checks every exchange of a client; put it into an [http.Client]. Streams of lines pass unchecked.
type Transport struct {
	Checker *Checker
	Base    http.RoundTripper // nil: [http.DefaultTransport]
	Broken  func(error)       // is told what did not keep to the document, possibly from several goroutines at once
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	sent, err := keep(&request.Body)
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
	received, err := keep(&response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if err := t.Checker.Check(request, sent, response, received); err != nil {
		t.Broken(err)
	}
	return response, nil
}

// keep reads a body and puts it back.
func keep(body *io.ReadCloser) ([]byte, error) {
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
