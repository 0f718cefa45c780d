// Package problem converts errors into responses: problem documents (RFC 9457) with a stable code, a hint and, for invalid requests, the
// invalid fields.
//
// The document of a refusal has the refusal's message. The document of an unexpected error has the code INTERNAL and no detail; the error
// is logged with the correlation id of the response. Each error is logged once, here.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// MediaType is the media type of problem documents.
const MediaType = "application/problem+json"

// Reporter turns errors into problem documents.
type Reporter struct {
	Log *slog.Logger // gets the errors that are not the client's fault
}

// Document returns the problem document of an error for the request that ctx belongs to. It logs errors that are not the client's fault.
func (r Reporter) Document(ctx context.Context, err error) api.Problem {
	refused, fields := classify(err)
	id := correlation.From(ctx)
	r.log(ctx, err, refused.Code, id)
	return newDocument(refused, fields, id)
}

func newDocument(refused *domainerr.Error, fields []domainerr.Field, id string) api.Problem {
	status := statusByCode[refused.Code]
	document := api.Problem{
		Type:          "urn:licenseledger:problem:" + refused.Code,
		Title:         status.title,
		Status:        status.code,
		Code:          api.ProblemCode(refused.Code),
		Hint:          refused.Hint,
		CorrelationID: id,
		Errors:        make([]api.FieldError, len(fields)),
	}
	if refused.Message != "" {
		detail := shortened(refused.Message)
		document.Detail = &detail
	}
	for i, f := range fields {
		document.Errors[i] = api.FieldError{Field: f.Name, Message: f.Message}
	}
	return document
}

// maxDetail limits the detail of a problem, in bytes. A message may repeat parts of the request.
const maxDetail = 1000

func shortened(message string) string {
	if len(message) <= maxDetail {
		return message
	}
	return strings.ToValidUTF8(message[:maxDetail], "") + "…"
}

func (r Reporter) log(ctx context.Context, err error, code, id string) {
	switch code {
	case errInternal.Code:
		var panicked *Panic
		if errors.As(err, &panicked) {
			r.Log.ErrorContext(ctx, "a request made the program panic", "error", err, "correlation", id, "stack", string(panicked.Stack))
			return
		}
		r.Log.ErrorContext(ctx, "a request failed", "error", err, "correlation", id)
	case ErrUnavailable.Code, ErrTimeout.Code:
		r.Log.WarnContext(ctx, "a request could not be served", "code", code, "error", err, "correlation", id)
	}
}

// Write responds with the problem document of an error and the headers that belong to its code. The caller sets those that belong to the
// request, such as Allow. If the client left, Write sends no body.
func (r Reporter) Write(w http.ResponseWriter, req *http.Request, err error) {
	document := r.Document(req.Context(), err)
	path := req.URL.EscapedPath()
	document.Instance = &path
	header := w.Header()
	header.Set("Content-Type", MediaType)
	header.Set("Cache-Control", "no-store")
	header.Del("ETag")
	if seconds := statusByCode[string(document.Code)].retryAfter; seconds > 0 {
		header.Set("Retry-After", strconv.Itoa(seconds))
	}
	if document.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="licenseledger"`)
	}
	if document.Status == http.StatusRequestTimeout {
		header.Set("Connection", "close") // the rest of the body would be taken for the next request
	}
	w.WriteHeader(document.Status)
	if req.Method == http.MethodHead || document.Status == statusClientGone {
		return
	}
	if err := json.NewEncoder(w).Encode(document); err != nil {
		r.Log.DebugContext(req.Context(), "a problem document could not be sent", "error", err, "correlation", document.CorrelationID)
	}
}

// Status returns the HTTP status of the response to an error.
func Status(err error) int {
	refused, _ := classify(err)
	return statusByCode[refused.Code].code
}

// Field returns the refusal of one invalid field of a request.
func Field(name, rule string) error {
	return &domainerr.Invalid{Fields: []domainerr.Field{{Name: name, Message: rule}}}
}

// Panic is the error of a request whose handler panicked.
type Panic struct {
	Value string
	Stack []byte
}

// Error returns the value that the handler panicked with.
func (p *Panic) Error() string { return "panic: " + p.Value }
