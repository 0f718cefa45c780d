package middleware

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v5"
)

// UnreservedLetters routes a path with percent-encoded unreserved characters, such as "/v1/%6Cicenses", like the path with the characters
// themselves: the two are the same (RFC 3986, section 6.2.2.2). It must run before the router.
func UnreservedLetters() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if u := c.Request().URL; u.RawPath != "" {
				u.RawPath = decodeUnreserved(u.RawPath)
				if (&url.URL{Path: u.Path}).EscapedPath() == u.RawPath {
					u.RawPath = "" // as package url has it
				}
			}
			return next(c)
		}
	}
}

// decodeUnreserved replaces the encodings of unreserved characters in a valid encoded path.
func decodeUnreserved(path string) string {
	var out strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if decoded, err := url.PathUnescape(path[i : i+3]); err == nil && isUnreserved(decoded[0]) {
				out.WriteByte(decoded[0])
				i += 2
				continue
			}
		}
		out.WriteByte(path[i])
	}
	return out.String()
}

// isUnreserved reports whether a character is unreserved (RFC 3986, section 2.3).
func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
