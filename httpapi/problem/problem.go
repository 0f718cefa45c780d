// Package problem is the one place where errors become answers: documents as in RFC 9457, with a stable code, a hint and,
// for invalid requests, the offending fields.
//
// A refusal says what it has to say. Anything unexpected is answered as INTERNAL without detail, and logged with the
// correlation id that the answer carries; each error is logged once, here.
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

// MediaType is how a problem is declared.
const MediaType = "application/problem+json"

// Reporter turns errors into problem documents.
type Reporter struct {
	Log *slog.Logger // for what the client is not told
}

// Document describes an error to the client whose request ctx belongs to, and logs what is not the client's doing.
func (r Reporter) Document(ctx context.Context, err error) api.Problem {
	refused, fields := explain(err)
	kind := kinds[refused.Code]
	id := correlation.From(ctx)
	r.report(ctx, err, refused.Code, id)
	document := api.Problem{
		Type:          "urn:licenseledger:problem:" + refused.Code,
		Title:         kind.title,
		Status:        kind.status,
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

// maxDetail bounds what of a request comes back in a message, in bytes.
const maxDetail = 1000

func shortened(message string) string {
	if len(message) <= maxDetail {
		return message
	}
	return strings.ToValidUTF8(message[:maxDetail], "") + "…"
}

func (r Reporter) report(ctx context.Context, err error, code, id string) {
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

// Answer sends the document of an error, unless nobody is there to read it. The headers that go with the code are set; those
// that go with the request, such as Allow, are the caller's.
func (r Reporter) Answer(w http.ResponseWriter, req *http.Request, err error) {
	document := r.Document(req.Context(), err)
	path := req.URL.Path
	document.Instance = &path
	header := w.Header()
	header.Set("Content-Type", MediaType)
	header.Set("Cache-Control", "no-store")
	header.Del("ETag")
	if seconds := kinds[string(document.Code)].retryAfter; seconds > 0 {
		header.Set("Retry-After", strconv.Itoa(seconds))
	}
	if document.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="licenseledger"`)
	}
	w.WriteHeader(document.Status)
	if req.Method == http.MethodHead || document.Status == statusClientGone {
		return
	}
	if err := json.NewEncoder(w).Encode(document); err != nil {
		r.Log.DebugContext(req.Context(), "a problem could not be sent", "error", err, "correlation", document.CorrelationID)
	}
}

// Status is the status with which an error is answered.
func Status(err error) int {
	refused, _ := explain(err)
	return kinds[refused.Code].status
}

// Field refuses a single value of a request.
func Field(name, rule string) error {
	return &domainerr.Invalid{Fields: []domainerr.Field{{Name: name, Message: rule}}}
}

// Panic is what is left of a request that made the program panic.
type Panic struct {
	Value string
	Stack []byte
}

// Error returns what was thrown.
func (p *Panic) Error() string { return "panic: " + p.Value }
