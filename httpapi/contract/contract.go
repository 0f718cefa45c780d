// Package contract reads from the OpenAPI document what the server must know of each endpoint, so that what is
// documented is what is enforced.
package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Access says which credential an endpoint asks for.
type Access int

// The kinds of access.
const (
	// Admin asks for the admin key. It is what the document's default says, and what an endpoint gets that says nothing.
	Admin Access = iota
	// Open asks for no credential in the header: it is public, or a licence key in the body is shown instead.
	Open
	// Either takes the admin key, or a licence key in the body.
	Either
)

// DefaultMaxBody is how many bytes a request's body may have unless the endpoint says otherwise.
const DefaultMaxBody = 64 << 10

// Operation is what the server must know of an endpoint.
type Operation struct {
	ID      string
	Access  Access
	Body    bool  // has a body, which is JSON
	MaxBody int64 // bytes
	Stream  bool  // may answer with a stream that takes as long as the client likes
	query   map[string]bool
}

// Knows reports whether a query parameter of this name is documented.
func (o Operation) Knows(parameter string) bool { return o.query[parameter] }

// Contract is the OpenAPI document.
type Contract struct {
	json       []byte
	operations map[route]Operation
}

type route struct{ method, path string }

// Parse reads an OpenAPI document in YAML.
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
	c := &Contract{json: asJSON, operations: map[route]Operation{}}
	for path, item := range doc.Paths {
		for method, operation := range map[string]*operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		} {
			if operation == nil {
				continue
			}
			c.operations[route{method, routePath(path)}], err = doc.read(operation, item.Parameters)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
		}
	}
	return c, nil
}

// JSON returns the document as JSON, its members in the order in which they were written.
func (c *Contract) JSON() []byte { return c.json }

// Operation finds an endpoint by its method and its route, such as "/v1/licenses/:id". HEAD is answered like GET.
func (c *Contract) Operation(method, path string) (Operation, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	o, found := c.operations[route{method, path}]
	return o, found
}

// routePath writes "/v1/licenses/{id}" as the router does: "/v1/licenses/:id".
func routePath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

type document struct {
	Paths      map[string]pathItem
	Components struct{ Parameters map[string]parameter }
}

type pathItem struct {
	Parameters     []parameter
	Get, Post, Put *operation
}

type operation struct {
	OperationID string `yaml:"operationId"`
	Parameters  []parameter
	Security    *[]map[string][]string
	RequestBody *struct{} `yaml:"requestBody"`
	MaxBody     int64     `yaml:"x-max-body-bytes"`
	Responses   map[string]struct{ Content map[string]any }
}

type parameter struct {
	Ref  string `yaml:"$ref"`
	Name string
	In   string
}

const ndjson = "application/x-ndjson"

func (d document) read(o *operation, shared []parameter) (Operation, error) {
	known := Operation{
		ID: o.OperationID, Access: access(o.Security), Body: o.RequestBody != nil, MaxBody: o.MaxBody, query: map[string]bool{},
	}
	if known.MaxBody == 0 {
		known.MaxBody = DefaultMaxBody
	}
	for _, response := range o.Responses {
		if _, streams := response.Content[ndjson]; streams {
			known.Stream = true
		}
	}
	for _, p := range slices.Concat(shared, o.Parameters) {
		if name, referred := strings.CutPrefix(p.Ref, "#/components/parameters/"); referred {
			var found bool
			if p, found = d.Components.Parameters[name]; !found {
				return Operation{}, fmt.Errorf("there is no parameter %q", name)
			}
		}
		if p.In == "query" {
			known.query[p.Name] = true
		}
	}
	return known, nil
}

func access(security *[]map[string][]string) Access {
	if security == nil {
		return Admin
	}
	if len(*security) == 0 {
		return Open
	}
	for _, alternative := range *security {
		if len(alternative) == 0 {
			return Either
		}
	}
	return Admin
}
