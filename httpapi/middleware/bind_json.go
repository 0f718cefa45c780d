package middleware

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/httpapi/strictjson"
)

// JSONBinder decodes request bodies: only JSON, only up to the size in the contract of the endpoint, and only documented fields. It
// implements [echo.Binder].
type JSONBinder struct {
	operations *contract.Contract
	decoder    strictjson.Decoder
	buffers    sync.Pool // of *bytes.Buffer
}

// maxReusedBuffer is the capacity up to which a buffer is reused, in bytes.
const maxReusedBuffer = contract.DefaultMaxBody

// NewJSONBinder returns a binder for the endpoints of a contract.
func NewJSONBinder(operations *contract.Contract) *JSONBinder {
	return &JSONBinder{operations: operations, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

// Bind decodes the body into target. It reads nothing else of the request.
func (b *JSONBinder) Bind(c *echo.Context, target any) error {
	request := c.Request()
	if !isJSON(request.Header) {
		return problem.ErrUnsupportedMediaType
	}
	limit := int64(contract.DefaultMaxBody)
	if operation, known := b.operations.Operation(request.Method, c.Path()); known {
		limit = operation.MaxBody
	}
	if request.ContentLength > limit {
		return problem.ErrBodyTooLarge
	}
	buffer := b.buffers.Get().(*bytes.Buffer)
	buffer.Reset()
	defer func() {
		if buffer.Cap() <= maxReusedBuffer {
			b.buffers.Put(buffer)
		}
	}()
	if _, err := buffer.ReadFrom(http.MaxBytesReader(c.Response(), request.Body, limit)); err != nil {
		return bodyError(err)
	}
	return b.decoder.Decode(buffer.Bytes(), target)
}

// bodyError makes an error of reading the body a refusal: whatever the reason, it is not the server's fault.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem.ErrBodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem.ErrRequestTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return problem.Field("body", "ended before its declared length")
	default: // such as a malformed chunk
		return problem.Field("body", "could not be read")
	}
}

func isJSON(header http.Header) bool {
	if encoding := header.Get(echo.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(header.Get(echo.HeaderContentType))
	if err != nil || mediaType != echo.MIMEApplicationJSON {
		return false
	}
	charset, given := parameters["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
