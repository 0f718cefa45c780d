package middleware

import (
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// Correlate gives every request a correlation id: the valid X-Request-Id of the client, otherwise a new one. The response has it too.
func Correlate(newID func() string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			request := c.Request()
			id := request.Header.Get(echo.HeaderXRequestID)
			if !correlation.Valid(id) {
				id = newID()
			}
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			c.SetRequest(request.WithContext(correlation.With(request.Context(), id)))
			return next(c)
		}
	}
}
