package middleware

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// Text refuses a request whose path, query or headers hold bytes that are not UTF-8, or the character U+0000. Not every engine can store
// or compare them. Bodies are checked where they are decoded.
func Text() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if err := checkText(c); err != nil {
				return err
			}
			return next(c)
		}
	}
}

const textRule = "must be UTF-8 without the character U+0000"

func checkText(c *echo.Context) error {
	var check domainerr.Check
	check.Require(isText(c.Request().URL.Path), "path", textRule)
	if c.QueryString() != "" {
		for name, values := range c.QueryParams() {
			if !isText(name) {
				check.Require(false, "query", textRule)
				continue
			}
			requireText(&check, name, values)
		}
	}
	for name, values := range c.Request().Header {
		requireText(&check, http.CanonicalHeaderKey(name), values)
	}
	return check.Err()
}

func requireText(check *domainerr.Check, name string, values []string) {
	for _, value := range values {
		if !isText(value) {
			check.Require(false, name[:min(len(name), maxParameterName)], textRule)
			return
		}
	}
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
