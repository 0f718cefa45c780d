package blackbox

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/licenseledger/licenseledger/httpapi/contracttest"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// Contract is the OpenAPI document, to check answers against.
type Contract struct {
	document *openapi3.T
	checker  *contracttest.Checker
	router   routers.Router
}

// ReadContract reads the document from the repository.
func ReadContract() (*Contract, error) {
	text, err := os.ReadFile(filepath.Join(process.Repository(), "httpapi", "openapi.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	checker, err := contracttest.New(text)
	if err != nil {
		return nil, err
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	document.Servers = nil // it may be any
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	return &Contract{document: document, checker: checker, router: router}, nil
}

// Endpoint is what the contract says of one endpoint.
type Endpoint struct {
	Operation string
	Method    string
	Path      string // with {id} or {name} in it
	Admin     bool   // requires the admin key
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

// operation names the endpoint that a request goes to; empty when there is none.
func (c *Contract) operation(request *http.Request) string {
	route, _, err := c.router.FindRoute(request)
	if err != nil {
		return ""
	}
	return route.Operation.OperationID
}
