package middleware

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/contract"
)

// Deprecation adds headers to the responses of deprecated endpoints: Deprecation (RFC 9745) with the date of deprecation, Sunset (RFC 8594)
// with the earliest date of removal, and Link to the documentation, which names the successor.
func Deprecation(operations *contract.Contract) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if operation, _ := operations.Operation(c.Request().Method, c.Path()); operation.Deprecated != nil {
				header := c.Response().Header()
				header.Set("Deprecation", "@"+strconv.FormatInt(operation.Deprecated.Since.Unix(), 10))
				header.Set("Sunset", operation.Deprecated.Sunset.Format(http.TimeFormat))
				header.Add("Link", `</docs>; rel="deprecation"; type="text/html"`)
			}
			return next(c)
		}
	}
}
