package commandapi

import (
	"context"
	"strconv"
	"strings"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// maxIdempotencyKey is how many characters an Idempotency-Key may have.
const maxIdempotencyKey = 255

// conditions are the headers of a command, which are the same for all.
type conditions api.SuspendLicenseParams

// request reads the headers of a command. The error is a [domainerr.Invalid].
func (c conditions) request(ctx context.Context) (runtime.Request, error) {
	request := runtime.Request{Correlation: correlation.From(ctx)}
	var check domainerr.Check
	if c.IdempotencyKey != nil {
		request.IdempotencyKey = *c.IdempotencyKey
		check.Require(printable(request.IdempotencyKey), "Idempotency-Key", "must be 1 to 255 printable ASCII characters")
	}
	if c.IfMatch != nil && *c.IfMatch != "*" {
		revision, err := parseETag(*c.IfMatch)
		check.Require(err == nil, "If-Match", `must be an ETag of the resource, such as "7" in its quotes, or *`)
		request.IfMatch = &revision
	}
	return request, check.Err()
}

func printable(key string) bool {
	return key != "" && len(key) <= maxIdempotencyKey && strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func parseETag(tag string) (event.Revision, error) {
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return 0, strconv.ErrSyntax
	}
	revision, err := strconv.ParseUint(tag[1:len(tag)-1], 10, 64)
	return event.Revision(revision), err
}

// answered are the headers of an answer to a command, which are the same for most.
type answered struct {
	ETag                string
	IdempotencyReplayed *bool
	LedgerPosition      uint64
}

func headers(o runtime.Outcome) answered {
	return answered{ETag: etag(o.Revision), IdempotencyReplayed: replayed(o.Replayed), LedgerPosition: uint64(o.Position)}
}

// created are the headers of an answer to a command that made something.
type created struct {
	ETag                string
	IdempotencyReplayed *bool
	LedgerPosition      uint64
	Location            string
}

func createdAt(location string, o runtime.Outcome) created {
	h := headers(o)
	return created{ETag: h.ETag, IdempotencyReplayed: h.IdempotencyReplayed, LedgerPosition: h.LedgerPosition, Location: location}
}

func etag(r event.Revision) string { return `"` + strconv.FormatUint(uint64(r), 10) + `"` }

// replayed is the value of Idempotency-Replayed, which is there only when it is true.
func replayed(yes bool) *bool {
	if !yes {
		return nil
	}
	return &yes
}

// value is what an optional member holds, and the zero value when it is absent.
func value[T any](optional *T) T {
	if optional == nil {
		var zero T
		return zero
	}
	return *optional
}
