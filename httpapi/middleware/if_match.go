package middleware

import (
	"strings"

	"github.com/labstack/echo/v5"
)

const ifMatch = "If-Match"

// IfMatch joins the lines of an If-Match header: together they are one list (RFC 9110, section 5.3).
func IfMatch() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if header := c.Request().Header; len(header[ifMatch]) > 1 {
				header.Set(ifMatch, strings.Join(header[ifMatch], ", "))
			}
			return next(c)
		}
	}
}
