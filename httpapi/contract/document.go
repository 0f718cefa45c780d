package contract

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the part of the OpenAPI document that the server enforces.
type document struct {
	Security   *security
	Paths      map[string]map[string]yaml.Node // by path, then by field of the path item
	Components struct {
		Parameters      map[string]parameter
		Responses       map[string]response
		SecuritySchemes map[string]scheme `yaml:"securitySchemes"`
	}
}

// methods are those of OpenAPI 3.0, by the field of the path item (section 4.7.9).
var methods = map[string]string{
	"get": http.MethodGet, "put": http.MethodPut, "post": http.MethodPost, "delete": http.MethodDelete,
	"options": http.MethodOptions, "head": http.MethodHead, "patch": http.MethodPatch, "trace": http.MethodTrace,
}

// paths are the paths of the document.
func (d document) paths() map[string]bool {
	all := make(map[string]bool, len(d.Paths))
	for path := range d.Paths {
		all[path] = true
	}
	return all
}

// operations reads all endpoints.
func (d document) operations() (map[Route]Operation, error) {
	if err := d.checkSchemes(); err != nil {
		return nil, err
	}
	all, ids := map[Route]Operation{}, map[string]Route{}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		at, err := routePath(path)
		if err != nil {
			return nil, err
		}
		item, err := readItem(d.Paths[path])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for method, node := range item.operations {
			route := Route{method, at}
			o, err := d.read(node, item.parameters)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", route, err)
			}
			if other, taken := ids[o.ID]; taken {
				return nil, fmt.Errorf("%s and %s have the same operationId %q", other, route, o.ID)
			}
			ids[o.ID], all[route] = route, o
		}
	}
	return all, nil
}

// segment matches a segment of a path: a fixed text or one parameter.
var segment = regexp.MustCompile(`^([A-Za-z0-9._~-]+|\{[A-Za-z0-9_]+\})$`)

// routePath converts a path such as "/v1/licenses/{id}" into that of the router, "/v1/licenses/:id".
func routePath(path string) (string, error) {
	rest, rooted := strings.CutPrefix(path, "/")
	segments := strings.Split(rest, "/")
	for i, s := range segments {
		if !rooted || !segment.MatchString(s) {
			return "", fmt.Errorf("the path %q is not made of fixed segments and whole parameters, such as /a/{id}", path)
		}
		if name, is := strings.CutPrefix(s, "{"); is {
			segments[i] = ":" + strings.TrimSuffix(name, "}")
		}
	}
	return "/" + strings.Join(segments, "/"), nil
}

// item is a path item.
type item struct {
	parameters []parameter
	operations map[string]yaml.Node // by method
}

func readItem(fields map[string]yaml.Node) (item, error) {
	out := item{operations: map[string]yaml.Node{}}
	for name, node := range fields {
		method, isMethod := methods[name]
		switch {
		case isMethod:
			out.operations[method] = node
		case name == "parameters":
			if err := node.Decode(&out.parameters); err != nil {
				return item{}, err
			}
		case name != "summary" && name != "description":
			return item{}, fmt.Errorf("line %d: the server does not know what %q means for a path", node.Line, name)
		}
	}
	return out, nil
}

type scheme struct{ Type, Scheme string }

// adminKey is the only credential that the server supports: a bearer token.
const adminKey = "admin_key"

func (d document) checkSchemes() error {
	for name, s := range d.Components.SecuritySchemes {
		if name != adminKey || s != (scheme{"http", "bearer"}) {
			return fmt.Errorf("the security scheme %q: "+
				"the server asks for no other credential than %s, of type http and scheme bearer", name, adminKey)
		}
	}
	return nil
}

// security lists alternatives. Each has the credentials that are required together, with their scopes.
type security []map[string][]string

// credential returns what an operation requires. Without a rule and a default it is the admin key.
func (s *security) credential() (Credential, error) {
	if s == nil {
		return Admin, nil
	}
	var admin, nothing bool
	for _, alternative := range *s {
		scopes, named := alternative[adminKey]
		switch {
		case len(alternative) == 0:
			nothing = true
		case named && len(alternative) == 1 && len(scopes) == 0:
			admin = true
		default:
			return Admin, errors.New("security: the server asks for " + adminKey + " without scopes, or for nothing")
		}
	}
	switch {
	case admin && nothing:
		return Either, nil
	case admin:
		return Admin, nil
	default:
		return Open, nil
	}
}
