// Package contract reads the OpenAPI document, from which the server takes what it enforces at each endpoint. It refuses a document with
// a rule that the server cannot enforce.
package contract

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/licenseledger/licenseledger/domain/access"
)

// Credential says which credential an endpoint requires.
type Credential int

// The credentials.
const (
	// Admin requires the admin key. It is the document's default, and that of a document without one.
	Admin Credential = iota
	// Open requires no credential in the header: the endpoint is public, or requires a licence key in the body.
	Open
	// Either requires the admin key, or a licence key in the body.
	Either
)

// Side says what an endpoint does: it executes a command, responds to a query, or reports about the server itself.
type Side string

// The sides.
const (
	Command Side = "command"
	Query   Side = "query"
	System  Side = "system"
)

// DefaultMaxBody is how many bytes a request body may have, unless the endpoint says otherwise.
const DefaultMaxBody = 64 << 10

// Operation is what the server enforces at an endpoint.
type Operation struct {
	ID         string
	Side       Side
	Permission access.Permission // that the principal requires; empty for a public endpoint
	Public     bool
	Credential Credential
	Deprecated *Deprecation    // nil: not deprecated
	Body       bool            // has a body, which is JSON
	MaxBody    int64           // bytes
	Stream     bool            // may respond with a stream, which lasts until the client leaves
	parameters map[string]bool // the names of the query parameters
}

// HasParameter reports whether a query parameter of this name is documented.
func (o Operation) HasParameter(parameter string) bool { return o.parameters[parameter] }

// Contract is the OpenAPI document.
type Contract struct {
	json       []byte
	operations map[Route]Operation
}

// Route identifies an endpoint as the router does, such as GET "/v1/licenses/:id".
type Route struct{ Method, Path string }

// String returns the route for messages.
func (r Route) String() string { return r.Method + " " + r.Path }

// Parse reads an OpenAPI document in YAML. It fails if the server cannot enforce the document: on an unknown field of a path or an
// operation, a credential other than the admin key, a body that is not JSON, or a parameter in a cookie. The error names the place.
func Parse(text []byte) (*Contract, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	var doc document
	if err := root.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	asJSON, err := toJSON(&root)
	if err != nil {
		return nil, fmt.Errorf("turn the OpenAPI document into JSON: %w", err)
	}
	c := &Contract{json: asJSON}
	if c.operations, err = doc.operations(); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	return c, nil
}

// JSON returns the document as JSON, with its fields in their order.
func (c *Contract) JSON() []byte { return c.json }

// Operation finds an endpoint by its method and its route, such as "/v1/licenses/:id". An undocumented HEAD is the same as GET.
func (c *Contract) Operation(method, path string) (Operation, bool) {
	o, found := c.operations[Route{method, path}]
	if !found && method == http.MethodHead {
		o, found = c.operations[Route{http.MethodGet, path}]
	}
	return o, found
}

// Routes returns the routes of all endpoints, sorted.
func (c *Contract) Routes() []Route {
	var all []Route
	for route := range c.operations {
		all = append(all, route)
	}
	slices.SortFunc(all, func(a, b Route) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method)) })
	return all
}
