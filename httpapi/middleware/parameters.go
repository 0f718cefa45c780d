package middleware

import (
	"net/url"
	"slices"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/httpapi/contract"
)

const (
	maxNamedParameters = 20
	maxParameterName   = 100 // bytes
)

// KnownParameters refuses query parameters that the endpoint does not document, that are repeated or empty. Otherwise a misspelled filter
// would be ignored and the response would contain too much.
func KnownParameters(operations *contract.Contract) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if raw := c.QueryString(); raw != "" {
				operation, _ := operations.Operation(c.Request().Method, c.Path())
				if err := checkQuery(operation, raw); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}

func checkQuery(operation contract.Operation, raw string) error {
	var check domainerr.Check
	query, err := url.ParseQuery(raw)
	check.Require(err == nil, "query", "is malformed")
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), maxNamedParameters)] {
		shortened := name[:min(len(name), maxParameterName)]
		switch values := query[name]; {
		case !operation.HasParameter(name):
			check.Require(false, shortened, "is not a parameter of this endpoint")
		case len(values) > 1:
			check.Require(false, shortened, "must be given once")
		case values[0] == "":
			check.Require(false, shortened, "must not be empty")
		}
	}
	return check.Err()
}
