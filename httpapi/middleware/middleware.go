// Package middleware holds what every request passes on its way to a handler, one file for each concern.
package middleware

import (
	"net/http"

	"github.com/labstack/echo/v5"
)

// unmatched is the route of requests that no route is for.
const unmatched = "unmatched"

// route names the template a request was routed by, such as "/v1/licenses/:id".
func route(c *echo.Context) string {
	switch info := c.RouteInfo(); {
	case info.Name == echo.NotFoundRouteName, info.Name == echo.MethodNotAllowedRouteName, info.Path == "":
		return unmatched
	default:
		return info.Path
	}
}

// method names the method of a request; those that HTTP does not define are one.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	default:
		return "OTHER"
	}
}

// answered returns the status and the size of what was sent.
func answered(c *echo.Context) (status int, bytes int64) {
	response, err := echo.UnwrapResponse(c.Response())
	if err != nil {
		return 0, 0
	}
	return response.Status, response.Size
}
