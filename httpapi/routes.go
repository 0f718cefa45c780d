package httpapi

import (
	"fmt"
	"slices"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/docsui"
)

// allDocumented wants every route in the contract, which says what credential, parameters and body the route takes. The files that the
// documentation's pages load are no endpoints.
func allDocumented(document *contract.Contract, routes echo.Routes) error {
	documented := document.Routes()
	for _, r := range routes {
		route := contract.Route{Method: r.Method, Path: r.Path}
		if !docsui.IsFile(r.Path) && !slices.Contains(documented, route) {
			return fmt.Errorf("the server has a route %s that the contract does not describe", route)
		}
	}
	return nil
}

// allServed wants a route for every operation of the contract.
func allServed(document *contract.Contract, routes echo.Routes) error {
	for _, route := range document.Routes() {
		if !slices.ContainsFunc(routes, func(r echo.RouteInfo) bool { return r.Method == route.Method && r.Path == route.Path }) {
			return fmt.Errorf("the contract describes %s, for which the server has no route", route)
		}
	}
	return nil
}
