package middleware

import (
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// AccessLog writes one line for each request: what was asked and how it was answered, but nothing that may hold a secret or
// personal data, be it by a client's mistake: no headers, bodies or queries, and of the path the id only, if it is one.
func AccessLog(log *slog.Logger, now func() time.Time) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			began := now()
			defer func() {
				request := c.Request()
				status, bytes := answered(c)
				log.LogAttrs(request.Context(), slog.LevelInfo, "request",
					slog.String("method", method(request)),
					slog.String("route", route(c)),
					slog.String("id", loggedID(c.Param("id"))),
					slog.Int("status", status),
					slog.Int64("bytes", bytes),
					slog.Duration("took", now().Sub(began)),
					slog.String("from", c.RealIP()),
					slog.String("correlation", correlation.From(request.Context())),
				)
			}()
			return next(c)
		}
	}
}

// loggedID is the id in a path if it is one, for a client may have put something else there.
func loggedID(id string) string {
	if uuid.Validate(id) != nil {
		return ""
	}
	return id
}
