package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/licenseledger/licenseledger/domain/access"
)

// operation is the part of a documented endpoint that the server enforces.
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

// accessRule says who may use an endpoint: principals with a permission, or everybody.
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

// operationFields are the fields that an operation may have, besides those for the code generator.
var operationFields = []string{
	"operationId", "parameters", "security", "requestBody", "x-max-body-bytes", "x-access", "x-side", "x-deprecation", "responses",
	"tags", "summary", "description", "externalDocs", "deprecated",
}

func (d document) read(node yaml.Node, shared []parameter) (Operation, error) {
	var names map[string]yaml.Node
	var o operation
	if err := errors.Join(node.Decode(&names), node.Decode(&o)); err != nil {
		return Operation{}, err
	}
	for name, field := range names {
		if !slices.Contains(operationFields, name) && !strings.HasPrefix(name, generatorOnly) {
			return Operation{}, fmt.Errorf("line %d: the server does not know what %q means for an operation", field.Line, name)
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
	out := Operation{
		ID: o.OperationID, Permission: o.Access.Permission, Public: o.Access.Public, Side: o.Side,
		Body: o.RequestBody != nil, MaxBody: DefaultMaxBody,
	}
	var err error
	if out.Credential, err = o.Security.credential(); err != nil {
		return Operation{}, err
	}
	if out.Deprecated, err = o.Deprecation.read(o.Deprecated, d.paths()); err != nil {
		return Operation{}, err
	}
	if err := o.checkBody(); err != nil {
		return Operation{}, err
	}
	if o.MaxBody != nil {
		out.MaxBody = *o.MaxBody
	}
	if out.Stream, err = d.streams(o.Responses); err != nil {
		return Operation{}, err
	}
	out.parameters, err = d.queryParameters(slices.Concat(shared, o.Parameters))
	return out, err
}

// checkAccess fails if an operation does not say who may use it, or on which side of the API it is.
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

// streams reports whether one of the responses is a stream.
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

// queryParameters returns the names of the query parameters. Generated code reads those in path and header.
func (d document) queryParameters(parameters []parameter) (map[string]bool, error) {
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

// resolve follows a reference to a component. Without a reference it returns value.
func resolve[T any](value T, ref, kind string, components map[string]T) (T, error) {
	if ref == "" {
		return value, nil
	}
	name, local := strings.CutPrefix(ref, "#/components/"+kind+"/")
	found, known := components[name]
	if !local || !known {
		return found, fmt.Errorf("there is nothing at %q", ref)
	}
	return found, nil
}
