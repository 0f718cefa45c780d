package middleware

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/httpapi/strictjson"
)

// JSONBinder reads the bodies of requests: JSON only, no larger than the contract of the endpoint says, exactly as it is
// documented. It implements [echo.Binder].
type JSONBinder struct {
	operations *contract.Contract
	decoder    strictjson.Decoder
	buffers    sync.Pool // of *bytes.Buffer
}

// maxKeptBuffer is how large a buffer may be that is used again, in bytes.
const maxKeptBuffer = contract.DefaultMaxBody

// NewJSONBinder returns a binder for the endpoints of a contract.
func NewJSONBinder(operations *contract.Contract) *JSONBinder {
	return &JSONBinder{operations: operations, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

// Bind reads the body into target, and nothing else of the request.
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
		if buffer.Cap() <= maxKeptBuffer {
			b.buffers.Put(buffer)
		}
	}()
	if _, err := buffer.ReadFrom(http.MaxBytesReader(c.Response(), request.Body, limit)); err != nil {
		return bodyError(err)
	}
	return b.decoder.Decode(buffer.Bytes(), target)
}

// bodyError tells a body that was cut off from one that is too large.
func bodyError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return problem.Field("body", "ended before its declared length")
	}
	return err
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
