// Package contract reads from the OpenAPI document what the server must know of each endpoint, so that what is
// documented is what is enforced. A document that asks for something the server cannot enforce is refused.
package contract

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/licenseledger/licenseledger/domain/access"
)

// Credential says which credential an endpoint asks for.
type Credential int

// The credentials.
const (
	// Admin asks for the admin key. It is what the document's default says, and what an endpoint gets that says nothing.
	Admin Credential = iota
	// Open asks for no credential in the header: it is public, or a licence key in the body is shown instead.
	Open
	// Either takes the admin key, or a licence key in the body.
	Either
)

// Side says what an endpoint does: it carries out a command, answers a query, or tells about the server itself.
type Side string

// The sides.
const (
	Command Side = "command"
	Query   Side = "query"
	System  Side = "system"
)

// DefaultMaxBody is how many bytes a request's body may have unless the endpoint says otherwise.
const DefaultMaxBody = 64 << 10

// Operation is what the server must know of an endpoint.
type Operation struct {
	ID         string
	Side       Side
	Permission access.Permission // that the principal needs; empty for a public endpoint
	Public     bool
	Credential Credential
	Deprecated *Deprecation // nil: it is not
	Body       bool         // has a body, which is JSON
	MaxBody    int64        // bytes
	Stream     bool         // may answer with a stream that takes as long as the client likes
	query      map[string]bool
}

// Knows reports whether a query parameter of this name is documented.
func (o Operation) Knows(parameter string) bool { return o.query[parameter] }

// Contract is the OpenAPI document.
type Contract struct {
	json       []byte
	operations map[Route]Operation
}

// Route is an endpoint as the router knows it, such as GET "/v1/licenses/:id".
type Route struct{ Method, Path string }

// String is the route for people.
func (r Route) String() string { return r.Method + " " + r.Path }

// Parse reads an OpenAPI document in YAML. It fails with the place in the document when that asks for what the server does not
// understand or cannot enforce: an unknown member of a path or an operation, another credential than the admin key, a body
// that is not JSON, a parameter in a cookie.
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

// JSON returns the document as JSON, its members in the order in which they were written.
func (c *Contract) JSON() []byte { return c.json }

// Operation finds an endpoint by its method and its route, such as "/v1/licenses/:id". Where HEAD is not documented, it is answered
// like GET.
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
