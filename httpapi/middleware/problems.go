package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// Problems answers every error, and every panic, with a problem document. What was begun already cannot be answered any
// more: then the connection is cut, so that half an answer is not taken for a whole one.
func Problems(reporter problem.Reporter) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if err := recovered(next, c); err != nil {
				Answer(reporter, c, err)
			}
			return nil
		}
	}
}

// Answer sends the problem document of an error, or cuts the connection when the answer has begun.
func Answer(reporter problem.Reporter, c *echo.Context, err error) {
	if response, unwrapped := echo.UnwrapResponse(c.Response()); unwrapped == nil && response.Committed {
		reporter.Document(c.Request().Context(), err) // only for the log
		panic(http.ErrAbortHandler)
	}
	reporter.Answer(c.Response(), c.Request(), err)
}

func recovered(next echo.HandlerFunc, c *echo.Context) (err error) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if cause, is := thrown.(error); is && errors.Is(cause, http.ErrAbortHandler) {
			panic(thrown)
		}
		err = &problem.Panic{Value: fmt.Sprint(thrown), Stack: debug.Stack()}
	}()
	return next(c)
}
