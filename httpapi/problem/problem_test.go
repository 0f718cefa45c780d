package problem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/correlation"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// TestEveryRefusalHasItsRow walks the source for refusals, so that none can be declared and forgotten here.
func TestEveryRefusalHasItsRow(t *testing.T) {
	t.Parallel()
	codes := map[string]string{}
	for _, root := range []string{"../../domain", "../../commands", "../../keyring", "."} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return declaredCodes(path, codes)
		}))
	}
	require.Greater(t, len(codes), 20, "the walk finds the refusals")
	for code, where := range codes {
		if code == "INTERNAL" || code == "CLIENT_GONE" {
			continue
		}
		status := problem.Status(domainerr.New(code, "", ""))
		require.NotEqual(t, http.StatusInternalServerError, status, "%s, declared in %s, has no row", code, where)
		require.True(t, api.ProblemCode(code).Valid(), "%s, declared in %s, is not documented", code, where)
	}
}

func declaredCodes(path string, codes map[string]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, is := n.(*ast.CallExpr)
		if !is {
			return true
		}
		function, is := call.Fun.(*ast.SelectorExpr)
		if !is || fmt.Sprint(function.X) != "domainerr" || function.Sel.Name != "New" {
			return true
		}
		if literal, is := call.Args[0].(*ast.BasicLit); is {
			if code, err := strconv.Unquote(literal.Value); err == nil {
				codes[code] = path
			}
		}
		return true
	})
	return nil
}

func TestErrorsBecomeDocuments(t *testing.T) {
	t.Parallel()
	parameter := echo.NewHTTPError(http.StatusBadRequest, "Invalid format for parameter limit: error")
	for name, c := range map[string]struct {
		err    error
		status int
		code   api.ProblemCode
		fields []api.FieldError
	}{
		"a refusal":        {license.ErrSuspended, 422, "LICENSE_SUSPENDED", nil},
		"a particular one": {fmt.Errorf("activate: %w", license.ErrSeatLimitReached.WithMessage("all 3")), 422, "SEAT_LIMIT_REACHED", nil},
		"an unknown one":   {domainerr.New("NEVER_HEARD", "", ""), 500, "INTERNAL", nil},
		"invalid fields":   {problem.Field("a.b", "must be c"), 400, "INVALID_REQUEST", []api.FieldError{{Field: "a.b", Message: "must be c"}}},
		"a parameter":      {parameter, 400, "INVALID_REQUEST", []api.FieldError{{Field: "limit", Message: "is not of the documented form"}}},
		"a repeated header": {echo.NewHTTPError(400, "Expected one value for If-Match, got 2"), 400, "INVALID_REQUEST",
			[]api.FieldError{{Field: "If-Match", Message: "must be given once"}}},
		"any bad request": {echo.ErrBadRequest, 400, "INVALID_REQUEST", []api.FieldError{{Field: "request", Message: "is malformed"}}},
		"another 400": {echo.NewHTTPError(400, "whatever"), 400, "INVALID_REQUEST",
			[]api.FieldError{{Field: "request", Message: "is malformed"}}},
		"a foreign cursor": {store.ErrBadCursor, 400, "INVALID_REQUEST",
			[]api.FieldError{{Field: "cursor", Message: "must be the next_cursor of a page of the same list, with the same filters and order"}}},
		"a strange query": {&store.InvalidQueryError{Parameter: "q", Rule: "must be a word"}, 400, "INVALID_REQUEST",
			[]api.FieldError{{Field: "q", Message: "must be a word"}}},
		"no path":           {echo.ErrNotFound, 404, "NOT_FOUND", nil},
		"no row":            {store.ErrNotFound, 404, "NOT_FOUND", nil},
		"no projection":     {runtime.ErrUnknownProjection, 404, "NOT_FOUND", nil},
		"no method":         {echo.ErrMethodNotAllowed, 405, "METHOD_NOT_ALLOWED", nil},
		"a rebuild":         {runtime.ErrRebuilding, 409, "REBUILD_RUNNING", nil},
		"too large":         {&http.MaxBytesError{Limit: 1}, 413, "BODY_TOO_LARGE", nil},
		"too large, echo":   {echo.ErrStatusRequestEntityTooLarge, 413, "BODY_TOO_LARGE", nil},
		"a media type":      {echo.ErrUnsupportedMediaType, 415, "UNSUPPORTED_MEDIA_TYPE", nil},
		"a busy store":      {fmt.Errorf("append: %w", eventstore.ErrBusy), 503, "BUSY", nil},
		"a busy key ring":   {keyring.ErrBusy, 503, "BUSY", nil},
		"no store":          {eventstore.ErrUnavailable, 503, "UNAVAILABLE", nil},
		"no key ring":       {fmt.Errorf("find subject: %w", keyring.ErrUnavailable), 503, "UNAVAILABLE", nil},
		"no read models":    {store.ErrUnavailable, 503, "UNAVAILABLE", nil},
		"a closed store":    {eventstore.ErrClosed, 503, "UNAVAILABLE", nil},
		"a stopped runner":  {runtime.ErrStopped, 503, "UNAVAILABLE", nil},
		"a newer event":     {fmt.Errorf("load: %w", &event.UnknownTypeError{Type: "license.gifted.v1", Position: 7}), 503, "NEWER_LEDGER", nil},
		"a slow projection": {fmt.Errorf("%w 7: %w", store.ErrNotReached, context.DeadlineExceeded), 503, "PROJECTION_BEHIND", nil},
		"a failed one":      {fmt.Errorf("%w: licenses", runtime.ErrFailed), 503, "PROJECTION_BEHIND", nil},
		"a blocked one":     {runtime.ErrNotWriting, 503, "PROJECTION_BEHIND", nil},
		"a deadline":        {context.DeadlineExceeded, 503, "TIMEOUT", nil},
		"a client gone":     {context.Canceled, 499, "CLIENT_GONE", nil},
		"anything else":     {errors.New("secret"), 500, "INTERNAL", nil},
		"a panic":           {&problem.Panic{Value: "secret", Stack: []byte("stack")}, 500, "INTERNAL", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := problem.Reporter{Log: slog.New(slog.DiscardHandler)}.Document(correlation.With(t.Context(), "c-1"), c.err)
			require.Equal(t, c.status, document.Status)
			require.Equal(t, c.status, problem.Status(c.err))
			require.Equal(t, c.code, document.Code)
			require.Equal(t, "urn:licenseledger:problem:"+string(c.code), document.Type)
			require.NotEmpty(t, document.Title)
			require.Equal(t, "c-1", document.CorrelationID)
			require.Equal(t, append([]api.FieldError{}, c.fields...), document.Errors)
			if c.status == 500 {
				require.Nil(t, document.Detail)
			}
		})
	}
}

func TestEveryAnswerToTryAgainSaysWhen(t *testing.T) {
	t.Parallel()
	for _, err := range []error{problem.ErrBusy, problem.ErrUnavailable, problem.ErrTimeout, problem.ErrProjectionBehind,
		problem.ErrNewerLedger} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodPost, "/v1/licenses?token=secret", nil)
		problem.Reporter{Log: slog.New(slog.DiscardHandler)}.Write(recorder, request, err)
		require.Equal(t, http.StatusServiceUnavailable, recorder.Code)
		seconds, err := strconv.Atoi(recorder.Header().Get("Retry-After"))
		require.NoError(t, err)
		require.Positive(t, seconds)
		var document api.Problem
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &document))
		require.Equal(t, "/v1/licenses", *document.Instance, "without the query")
		require.NotEmpty(t, document.Hint)
	}
}

func TestOnlyWhatIsNotTheClientsDoingIsLoggedAndOnlyOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		said string // empty: nothing
	}{
		"a refusal":     {license.ErrSuspended, ""},
		"invalid":       {problem.Field("a", "b"), ""},
		"busy":          {eventstore.ErrBusy, ""},
		"gone":          {context.Canceled, ""},
		"newer":         {&event.UnknownTypeError{Type: "license.gifted.v1"}, ""},
		"unavailable":   {fmt.Errorf("%w: disk full", eventstore.ErrUnavailable), "disk full"},
		"anything else": {errors.New("disk on fire"), "disk on fire"},
		"a panic":       {&problem.Panic{Value: "boom", Stack: []byte("where it was")}, "where it was"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			reporter := problem.Reporter{Log: slog.New(slog.NewTextHandler(&log, nil))}
			reporter.Write(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), c.err)
			if c.said == "" {
				require.Empty(t, log.String())
				return
			}
			require.Contains(t, log.String(), c.said)
			require.Equal(t, 1, strings.Count(log.String(), "\n"))
		})
	}
}

func TestALongMessageIsCut(t *testing.T) {
	t.Parallel()
	long := license.ErrNotFound.WithMessage("no licence %s", strings.Repeat("é", 5000))
	document := problem.Reporter{Log: slog.New(slog.DiscardHandler)}.Document(t.Context(), long)
	require.Less(t, len(*document.Detail), 1100)
	require.True(t, utf8.ValidString(*document.Detail))
	require.True(t, strings.HasSuffix(*document.Detail, "é…"))
}

func TestANewerEventIsNamedTogetherWithWhatToDo(t *testing.T) {
	t.Parallel()
	document := problem.Reporter{Log: slog.New(slog.DiscardHandler)}.Document(t.Context(),
		&event.UnknownTypeError{Type: "license.gifted.v1", Position: 7})
	require.Contains(t, *document.Detail, "position 7")
	require.Contains(t, document.Hint, "license.gifted.v1")
	require.Contains(t, document.Hint, "upgrade this instance")

	document = problem.Reporter{Log: slog.New(slog.DiscardHandler)}.Document(t.Context(),
		&event.UnknownTypeError{Type: event.Type(strings.Repeat("x", 5000))})
	require.Less(t, len(document.Hint), 1300, "whatever the event is called")
}
