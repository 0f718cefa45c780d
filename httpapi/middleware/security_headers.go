package middleware

import "github.com/labstack/echo/v5"

// SecurityHeaders tells browsers to do nothing with an answer but read it. The pages of the documentation, which do more,
// set a Content-Security-Policy of their own.
func SecurityHeaders() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			header := c.Response().Header()
			header.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			header.Set("X-Content-Type-Options", "nosniff")
			header.Set("X-Frame-Options", "DENY")
			header.Set("X-Permitted-Cross-Domain-Policies", "none")
			header.Set("Referrer-Policy", "no-referrer")
			header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
			header.Set("Cross-Origin-Opener-Policy", "same-origin")
			header.Set("Cross-Origin-Resource-Policy", "same-origin")
			header.Set("Origin-Agent-Cluster", "?1")
			header.Set("Cache-Control", "no-store")
			if c.IsTLS() {
				header.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
			}
			return next(c)
		}
	}
}
