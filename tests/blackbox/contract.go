package blackbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Contract is the OpenAPI document, to check answers against.
type Contract struct {
	document *openapi3.T
	router   routers.Router
}

// ReadContract reads the document from the repository.
func ReadContract() (*Contract, error) {
	document, err := openapi3.NewLoader().LoadFromFile(filepath.Join(Repository(), "httpapi", "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	openapi3filter.RegisterBodyDecoder("application/jwk-set+json", openapi3filter.JSONBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	return &Contract{document: document, router: router}, nil
}

// Endpoint is what the contract says of one endpoint.
type Endpoint struct {
	Operation string
	Method    string
	Path      string // with {id} or {name} in it
	Admin     bool   // wants the admin key
	Body      bool   // takes a JSON body
}

// Endpoints lists all endpoints.
func (c *Contract) Endpoints() []Endpoint {
	var all []Endpoint
	for path, item := range c.document.Paths.Map() {
		for method, operation := range item.Operations() {
			all = append(all, Endpoint{
				Operation: operation.OperationID, Method: method, Path: path,
				Admin: operation.Security == nil, Body: operation.RequestBody != nil,
			})
		}
	}
	slices.SortFunc(all, func(a, b Endpoint) int { return cmp.Compare(a.Operation, b.Operation) })
	return all
}

// Codes lists the codes that problems have, and those that verdicts have.
func (c *Contract) Codes() (problems, verdicts []string) {
	return c.names("ProblemCode"), c.names("VerdictCode")
}

func (c *Contract) names(schema string) []string {
	var names []string
	for _, value := range c.document.Components.Schemas[schema].Value.Enum {
		names = append(names, fmt.Sprint(value))
	}
	return names
}

// errUndocumented says that the contract has no such path or method.
var errUndocumented = errors.New("the contract knows no such endpoint")

// exchange is a request with its answer.
type exchange struct {
	request  *http.Request
	sent     []byte
	response *http.Response
	received []byte
}

// check returns which endpoint was asked and an error when the answer is not one that it may give. A request that was
// carried out must also be one that it may get: the server must not accept what is not documented.
func (c *Contract) check(e exchange) (operation string, err error) {
	route, path, err := c.router.FindRoute(e.request)
	if err != nil {
		return "", errUndocumented
	}
	ctx := e.request.Context()
	e.request.Body = io.NopCloser(bytes.NewReader(e.sent))
	asked := &openapi3filter.RequestValidationInput{
		Request: e.request, PathParams: path, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	operation = route.Operation.OperationID
	if e.response.StatusCode < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(ctx, asked); err != nil {
			return operation, fmt.Errorf("%s accepted a request that the contract does not allow: %w", operation, err)
		}
	}
	err = openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: e.response.StatusCode, Header: e.response.Header,
		Body: io.NopCloser(bytes.NewReader(e.received)), Options: asked.Options,
	})
	if err != nil {
		return operation, fmt.Errorf("%s answered with what the contract does not allow: %w", operation, err)
	}
	return operation, nil
}
