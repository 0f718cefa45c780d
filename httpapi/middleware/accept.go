package middleware

import (
	"mime"
	"strconv"
	"strings"

	"github.com/labstack/echo/v5"
)

// AcceptsNDJSON reports whether the client asks for a stream: its Accept header names the type of streams, and it likes no page of JSON
// better (RFC 9110, section 12.5.1).
func AcceptsNDJSON(c *echo.Context) bool {
	header := strings.ToLower(strings.Join(c.Request().Header.Values(echo.HeaderAccept), ","))
	if !strings.Contains(header, NDJSON) {
		return false
	}
	stream := quality(header, NDJSON)
	return stream > 0 && stream >= quality(header, echo.MIMEApplicationJSON, "application/*", "*/*")
}

// quality returns the weight of the first of the ranges that an Accept header names, 0 if it names none.
func quality(header string, ranges ...string) float64 {
	for _, wanted := range ranges {
		for accepted := range strings.SplitSeq(header, ",") {
			named, parameters, err := mime.ParseMediaType(accepted)
			if err != nil || named != wanted {
				continue
			}
			q, given := parameters["q"]
			if !given {
				return 1
			}
			weight, err := strconv.ParseFloat(q, 64)
			if err != nil || weight < 0 || weight > 1 {
				return 0
			}
			return weight
		}
	}
	return 0
}
