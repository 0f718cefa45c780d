// Package middleware has the middleware of the API, one file each.
package middleware

import (
	"net/http"

	"github.com/labstack/echo/v5"
)

// unmatched is the route of requests that no route matches.
const unmatched = "unmatched"

// route returns the template of the route that a request matched, such as "/v1/licenses/:id".
func route(c *echo.Context) string {
	switch info := c.RouteInfo(); {
	case info.Name == echo.NotFoundRouteName, info.Name == echo.MethodNotAllowedRouteName, info.Path == "":
		return unmatched
	default:
		return info.Path
	}
}

// method returns the method of a request, or OTHER for one that HTTP does not define.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return r.Method
	default:
		return "OTHER"
	}
}

// responseSize returns the status of the response and the size of its body.
func responseSize(c *echo.Context) (status int, bytes int64) {
	response, err := echo.UnwrapResponse(c.Response())
	if err != nil {
		return 0, 0
	}
	return response.Status, response.Size
}
