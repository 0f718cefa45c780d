package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/licenseledger/licenseledger/domain/access"
)

// operation is what of a documented endpoint the server enforces.
type operation struct {
	OperationID string `yaml:"operationId"`
	Parameters  []parameter
	Security    *security
	RequestBody *body      `yaml:"requestBody"`
	MaxBody     *int64     `yaml:"x-max-body-bytes"`
	Access      accessRule `yaml:"x-access"`
	Side        Side       `yaml:"x-side"`
	Responses   map[string]response
	Deprecated  bool
	Deprecation *deprecation `yaml:"x-deprecation"`
}

// accessRule is who may use an endpoint: whoever has the permission, or everybody.
type accessRule struct {
	Permission access.Permission
	Public     bool
}

type parameter struct {
	Ref  string `yaml:"$ref"`
	Name string
	In   string
}

type body struct {
	Ref     string `yaml:"$ref"`
	Content map[string]any
}

type response struct {
	Ref     string `yaml:"$ref"`
	Content map[string]any
}

const (
	jsonType   = "application/json"
	ndjsonType = "application/x-ndjson"
)

// members are those that an operation may have: what the server enforces, and what is for readers. The code generator has its own.
var members = []string{
	"operationId", "parameters", "security", "requestBody", "x-max-body-bytes", "x-access", "x-side", "x-deprecation", "responses",
	"tags", "summary", "description", "externalDocs", "deprecated",
}

func (d document) read(node yaml.Node, shared []parameter) (Operation, error) {
	var names map[string]yaml.Node
	var o operation
	if err := errors.Join(node.Decode(&names), node.Decode(&o)); err != nil {
		return Operation{}, err
	}
	for name, member := range names {
		if !slices.Contains(members, name) && !strings.HasPrefix(name, generatorOnly) {
			return Operation{}, fmt.Errorf("line %d: the server does not know what %q means for an operation", member.Line, name)
		}
	}
	if o.OperationID == "" {
		return Operation{}, errors.New("there is no operationId")
	}
	if err := o.checkAccess(); err != nil {
		return Operation{}, err
	}
	if o.Security == nil {
		o.Security = d.Security
	}
	known := Operation{
		ID: o.OperationID, Permission: o.Access.Permission, Public: o.Access.Public, Side: o.Side, Body: o.RequestBody != nil,
		MaxBody: DefaultMaxBody,
	}
	var err error
	if known.Credential, err = o.Security.credential(); err != nil {
		return Operation{}, err
	}
	if known.Deprecated, err = o.Deprecation.read(o.Deprecated, d.paths()); err != nil {
		return Operation{}, err
	}
	if err := o.checkBody(); err != nil {
		return Operation{}, err
	}
	if o.MaxBody != nil {
		known.MaxBody = *o.MaxBody
	}
	if known.Stream, err = d.streams(o.Responses); err != nil {
		return Operation{}, err
	}
	known.query, err = d.query(slices.Concat(shared, o.Parameters))
	return known, err
}

// checkAccess wants every operation to say who may use it, and on which side of the API it is.
func (o operation) checkAccess() error {
	switch {
	case o.Access.Public == (o.Access.Permission != ""):
		return errors.New("x-access: must be either a permission or public")
	case !o.Access.Public && !o.Access.Permission.Known():
		return fmt.Errorf("x-access: no role has the permission %q", o.Access.Permission)
	case !slices.Contains([]Side{Command, Query, System}, o.Side):
		return fmt.Errorf("x-side: must be command, query or system, not %q", o.Side)
	}
	return nil
}

func (o operation) checkBody() error {
	switch {
	case o.RequestBody == nil && o.MaxBody != nil:
		return errors.New("x-max-body-bytes: there is no body")
	case o.MaxBody != nil && *o.MaxBody < 1:
		return errors.New("x-max-body-bytes: must be at least 1")
	case o.RequestBody == nil:
		return nil
	}
	_, isJSON := o.RequestBody.Content[jsonType]
	if o.RequestBody.Ref != "" || len(o.RequestBody.Content) != 1 || !isJSON {
		return errors.New("requestBody: the server reads " + jsonType + " only, described in place")
	}
	return nil
}

// streams reports whether one of the answers is a stream.
func (d document) streams(responses map[string]response) (bool, error) {
	found := false
	for _, r := range responses {
		r, err := resolve(r, r.Ref, "responses", d.Components.Responses)
		if err != nil {
			return false, err
		}
		_, streams := r.Content[ndjsonType]
		found = found || streams
	}
	return found, nil
}

// query returns the names of the query parameters. Those in path and header are read by generated code.
func (d document) query(parameters []parameter) (map[string]bool, error) {
	names := map[string]bool{}
	for _, p := range parameters {
		p, err := resolve(p, p.Ref, "parameters", d.Components.Parameters)
		switch {
		case err != nil:
			return nil, err
		case p.Name == "" || !slices.Contains([]string{"query", "path", "header"}, p.In):
			return nil, fmt.Errorf("the parameter %q in %q: the server knows named parameters in query, path and header", p.Name, p.In)
		case p.In == "query":
			names[p.Name] = true
		}
	}
	return names, nil
}

// resolve returns what stands in place or what it refers to.
func resolve[T any](inPlace T, ref, kind string, components map[string]T) (T, error) {
	if ref == "" {
		return inPlace, nil
	}
	name, ours := strings.CutPrefix(ref, "#/components/"+kind+"/")
	found, known := components[name]
	if !ours || !known {
		return found, fmt.Errorf("there is nothing at %q", ref)
	}
	return found, nil
}
