package middleware

import (
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// AccessLog logs one line for each request. It logs nothing that may contain a secret or personal data, even by a client's mistake: no
// headers, bodies or query parameters, and only the id of the path, if it is one.
func AccessLog(log *slog.Logger, now func() time.Time) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			start := now()
			defer func() {
				request := c.Request()
				status, bytes := responseSize(c)
				log.LogAttrs(request.Context(), slog.LevelInfo, "request",
					slog.String("method", method(request)),
					slog.String("route", route(c)),
					slog.String("id", loggedID(c.Param("id"))),
					slog.Int("status", status),
					slog.Int64("bytes", bytes),
					slog.Duration("took", now().Sub(start)),
					slog.String("from", c.RealIP()),
					slog.String("correlation", correlation.From(request.Context())),
				)
			}()
			return next(c)
		}
	}
}

// loggedID returns the id of a path if it is a UUID, since a client may have sent something else.
func loggedID(id string) string {
	if uuid.Validate(id) != nil {
		return ""
	}
	return id
}
