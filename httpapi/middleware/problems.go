package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// Problems responds to every error, and every panic, with a problem document. If the response has begun, it aborts the connection, so that
// the client does not take an incomplete response for a complete one.
func Problems(reporter problem.Reporter) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if err := callRecovering(next, c); err != nil {
				WriteProblem(reporter, c, err)
			}
			return nil
		}
	}
}

// WriteProblem responds with the problem document of an error, or aborts the connection if the response has begun.
func WriteProblem(reporter problem.Reporter, c *echo.Context, err error) {
	if response, unwrapped := echo.UnwrapResponse(c.Response()); unwrapped == nil && response.Committed {
		reporter.Document(c.Request().Context(), err) // only for the log
		panic(http.ErrAbortHandler)
	}
	reporter.Write(c.Response(), c.Request(), err)
}

// callRecovering calls a handler and returns a panic as a [problem.Panic].
func callRecovering(next echo.HandlerFunc, c *echo.Context) (err error) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		if cause, is := panicked.(error); is && errors.Is(cause, http.ErrAbortHandler) {
			panic(panicked)
		}
		err = &problem.Panic{Value: fmt.Sprint(panicked), Stack: debug.Stack()}
	}()
	return next(c)
}
