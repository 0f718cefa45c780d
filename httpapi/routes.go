package httpapi

import (
	"fmt"
	"slices"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/docsui"
)

// allDocumented fails if a route is not in the contract, which has the rules for its credential, parameters and body. The files that the
// documentation pages load need not be in the contract.
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

// allServed fails if an operation of the contract has no route. The documentation pages may have none.
func allServed(document *contract.Contract, routes echo.Routes, withoutDocs bool) error {
	for _, route := range document.Routes() {
		if withoutDocs && docsui.IsPage(route.Path) {
			continue
		}
		if !slices.ContainsFunc(routes, func(r echo.RouteInfo) bool { return r.Method == route.Method && r.Path == route.Path }) {
			return fmt.Errorf("the contract describes %s, for which the server has no route", route)
		}
	}
	return nil
}
