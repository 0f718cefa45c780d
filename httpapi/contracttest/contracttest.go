// Package contracttest checks HTTP exchanges against the OpenAPI document: responses must be documented, with their headers and without
// further fields, and requests that succeeded must be valid.
package contracttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Checker checks exchanges. It is safe for concurrent use.
type Checker struct{ router routers.Router }

// New returns a checker for a document in JSON or YAML, such as the one that a server has at /openapi.json.
func New(document []byte) (*Checker, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("the OpenAPI document is not valid: %w", err)
	}
	closeSchemas(doc)
	doc.Servers = nil // exchanges with any server are checked
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("route by the OpenAPI document: %w", err)
	}
	return &Checker{router: router}, nil
}

// Check checks one exchange. sent and received are the bodies of request and response, which were read already.
func (c *Checker) Check(request *http.Request, sent []byte, response *http.Response, received []byte) error {
	if response.StatusCode == http.StatusMethodNotAllowed || request.Method == http.MethodHead || request.Method == http.MethodOptions {
		return nil
	}
	cloned := request.Clone(context.Background())
	cloned.Body = io.NopCloser(bytes.NewReader(sent))
	route, parameters, err := c.router.FindRoute(cloned)
	if errors.Is(err, routers.ErrPathNotFound) && response.StatusCode == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s %s is answered with %d but not documented: %w", request.Method, request.URL.Path, response.StatusCode, err)
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
	}
	input := &openapi3filter.RequestValidationInput{Request: cloned, PathParams: parameters, Route: route, Options: options}
	if response.StatusCode < http.StatusMultipleChoices {
		if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
			return fmt.Errorf("%s %s was answered with %d though the document forbids the request: %w",
				request.Method, request.URL.Path, response.StatusCode, err)
		}
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header, Options: options,
	}
	if !isJSON(response.Header.Get("Content-Type")) {
		copied := *options
		copied.ExcludeResponseBody = true
		output.Options = &copied
	}
	output.SetBodyBytes(received)
	if err := openapi3filter.ValidateResponse(context.Background(), output); err != nil {
		return fmt.Errorf("the answer %d to %s %s is not as documented: %w\n%s",
			response.StatusCode, request.Method, request.URL.Path, err, received)
	}
	return nil
}

func isJSON(mediaType string) bool {
	return strings.Contains(mediaType, "json") && !strings.Contains(mediaType, "ndjson")
}
