package middleware

import (
	"context"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/contract"
)

// NDJSON is how a stream of one JSON value per line is declared.
const NDJSON = "application/x-ndjson"

// Timeout ends the context of a request that takes too long. Streams take as long as the client likes.
func Timeout(operations *contract.Contract, limit time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if o, _ := operations.Operation(c.Request().Method, c.Path()); o.Stream && AcceptsNDJSON(c) {
				return next(c)
			}
			ctx, cancel := context.WithTimeout(c.Request().Context(), limit)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}
