package middleware

import (
	"log/slog"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// maxLoggedPath bounds what a client can write into the log, in bytes.
const maxLoggedPath = 200

// AccessLog writes one line for each request: what was asked and how it was answered, but neither headers, bodies nor the
// query, where secrets and personal data may be.
func AccessLog(log *slog.Logger, now func() time.Time) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			began := now()
			defer func() {
				request := c.Request()
				status, bytes := answered(c)
				path := request.URL.Path
				log.LogAttrs(request.Context(), slog.LevelInfo, "request",
					slog.String("method", method(request)),
					slog.String("route", route(c)),
					slog.String("path", path[:min(len(path), maxLoggedPath)]),
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
