package middleware

import (
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// Text refuses a request whose path, query or headers hold bytes that are not UTF-8, or the character U+0000. Not every engine can store
// or compare them. Bodies are checked where they are decoded. Headers that the API does not read are left alone: they may hold other bytes
// (RFC 9110, section 5.5), and proxies add some.
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

// headersRead are the headers with values that the API takes over.
var headersRead = []string{echo.HeaderAuthorization, correlation.Header, "Idempotency-Key", ifMatch, "Ledger-Position"}

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
	for _, name := range headersRead {
		requireText(&check, name, c.Request().Header.Values(name))
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
