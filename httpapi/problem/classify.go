package problem

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// classify returns the refusal, with its code, that a client gets for an error, and the invalid fields of an invalid request.
func classify(err error) (*domainerr.Error, []domainerr.Field) {
	var invalid *domainerr.Invalid
	if errors.As(err, &invalid) {
		return invalidFields(invalid.Fields...)
	}
	var refused *domainerr.Error
	if errors.As(err, &refused) {
		if _, known := statusByCode[refused.Code]; known {
			return refused, nil
		}
		return errInternal, nil
	}
	if refused, known := fromPorts(err); known {
		return refused, nil
	}
	var query *store.InvalidQueryError
	switch {
	case errors.Is(err, store.ErrBadCursor):
		return invalidFields(domainerr.Field{
			Name: "cursor", Message: "must be the next_cursor of a page of the same list, with the same filters and order",
		})
	case errors.Is(err, store.ErrOtherEpoch):
		return invalidFields(domainerr.Field{Name: "cursor", Message: "is of another epoch of the ledger: begin the list again without a cursor"})
	case errors.As(err, &query):
		return invalidFields(domainerr.Field{Name: query.Parameter, Message: query.Rule})
	}
	return fromHTTP(err)
}

// fromPorts classifies the errors of storage, projections and requests that end early.
func fromPorts(err error) (*domainerr.Error, bool) {
	var tooLarge *http.MaxBytesError
	var unknown *event.UnknownTypeError
	switch {
	case errors.As(err, &unknown):
		return newerLedger(unknown), true
	case errors.Is(err, eventstore.ErrBusy), errors.Is(err, keyring.ErrBusy):
		return ErrBusy, true
	case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrClosed), errors.Is(err, runtime.ErrStopped),
		errors.Is(err, keyring.ErrUnavailable), errors.Is(err, store.ErrUnavailable):
		return ErrUnavailable, true
	case errors.Is(err, runtime.ErrRebuilding):
		return ErrRebuildRunning, true
	case errors.Is(err, store.ErrNotReached), errors.Is(err, runtime.ErrFailed), errors.Is(err, runtime.ErrNotWriting):
		return ErrProjectionBehind, true
	case errors.Is(err, store.ErrNotFound), errors.Is(err, runtime.ErrUnknownProjection):
		return ErrNotFound, true
	case errors.As(err, &tooLarge):
		return ErrBodyTooLarge, true
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout, true
	case errors.Is(err, context.Canceled):
		return errClientGone, true
	default:
		return nil, false
	}
}

// fromHTTP classifies the errors of the router and of the generated code.
func fromHTTP(err error) (*domainerr.Error, []domainerr.Field) {
	switch echo.StatusCode(err) {
	case http.StatusNotFound:
		return ErrNoSuchPath, nil
	case http.StatusMethodNotAllowed:
		return ErrMethodNotAllowed, nil
	case http.StatusRequestEntityTooLarge:
		return ErrBodyTooLarge, nil
	case http.StatusUnsupportedMediaType:
		return ErrUnsupportedMediaType, nil
	case http.StatusBadRequest:
		return invalidFields(parameter(err))
	default:
		return errInternal, nil
	}
}

// parameter names the path, query or header parameter that the generated code could not read. Its name is only in the error's text.
func parameter(err error) domainerr.Field {
	var httpError *echo.HTTPError
	if !errors.As(err, &httpError) {
		return domainerr.Field{Name: "request", Message: "is malformed"}
	}
	if rest, found := strings.CutPrefix(httpError.Message, "Invalid format for parameter "); found {
		name, _, _ := strings.Cut(rest, ":")
		return domainerr.Field{Name: name, Message: "is not of the documented form"}
	}
	if rest, found := strings.CutPrefix(httpError.Message, "Expected one value for "); found {
		name, _, _ := strings.Cut(rest, ",")
		return domainerr.Field{Name: name, Message: "must be given once"}
	}
	return domainerr.Field{Name: "request", Message: "is malformed"}
}

func invalidFields(fields ...domainerr.Field) (*domainerr.Error, []domainerr.Field) {
	return &domainerr.Error{
		Code:    invalidRequest,
		Message: (&domainerr.Invalid{Fields: fields}).Error(),
		Hint:    "correct the fields named in errors and send the request again",
	}, fields
}
