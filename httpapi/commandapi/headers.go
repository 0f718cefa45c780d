package commandapi

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/correlation"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// maxIdempotencyKey is how many characters an Idempotency-Key may have.
const maxIdempotencyKey = 255

// commandHeaders are the request headers that commands have in common.
type commandHeaders struct{ IdempotencyKey, IfMatch *string }

// request checks the headers. The error is a [domainerr.Invalid].
func (h commandHeaders) request(ctx context.Context) (runtime.Request, error) {
	request := runtime.Request{Correlation: correlation.From(ctx)}
	var check domainerr.Check
	if h.IdempotencyKey != nil {
		request.IdempotencyKey = *h.IdempotencyKey
		check.Require(printable(request.IdempotencyKey), "Idempotency-Key", "must be 1 to 255 printable ASCII characters")
	}
	if h.IfMatch != nil {
		revisions, err := parseIfMatch(*h.IfMatch)
		check.Require(err == nil, "If-Match", `must be ETags of the resource, such as "7" in its quotes, or *`)
		request.IfMatch = revisions
	}
	return request, check.Err()
}

// execute checks the headers of a request and executes its command.
func execute[C, R any](ctx context.Context, h commandHeaders, command runtime.Command[C, R], content C) (R, error) {
	request, err := h.request(ctx)
	if err != nil {
		var none R
		return none, err
	}
	return command(ctx, request, content)
}

func printable(key string) bool {
	return key != "" && len(key) <= maxIdempotencyKey && strings.IndexFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// entityTag is an entity tag at the beginning of a list, with what separates it from the next (RFC 9110, sections 5.6.1 and 8.8.3).
var entityTag = regexp.MustCompile("^[ \\t,]*(W/)?\"([\\x21\\x23-\\x7e\\x{80}-\\x{10ffff}]*)\"[ \\t]*(?:,[ \\t,]*|$)")

// parseIfMatch returns the revisions that an If-Match header names (RFC 9110, section 13.1.1), nil for any. Tags are compared strongly, so
// a weak one names none; nor does one that no resource ever has.
func parseIfMatch(header string) ([]event.Revision, error) {
	if strings.Trim(header, " \t") == "*" {
		return nil, nil
	}
	revisions := []event.Revision{}
	for rest := header; rest != "" || len(header) == 0; {
		tag := entityTag.FindStringSubmatch(rest)
		if tag == nil {
			return nil, strconv.ErrSyntax
		}
		rest = rest[len(tag[0]):]
		revision, err := strconv.ParseUint(tag[2], 10, 64)
		if tag[1] == "" && err == nil && present.ETag(event.Revision(revision)) == `"`+tag[2]+`"` {
			revisions = append(revisions, event.Revision(revision))
		}
	}
	return revisions, nil
}

// responseHeaders are the headers of a response to a command that changed a resource.
type responseHeaders struct {
	ETag                string
	IdempotencyReplayed *bool
	LedgerPosition      uint64
}

func headers(o runtime.Outcome) responseHeaders {
	return responseHeaders{ETag: present.ETag(o.Revision), IdempotencyReplayed: replayed(o.Replayed), LedgerPosition: uint64(o.Position)}
}

// createdHeaders are the headers of a response to a command that created a resource.
type createdHeaders struct {
	ETag                string
	IdempotencyReplayed *bool
	LedgerPosition      uint64
	Location            string
}

func headersWithLocation(location string, o runtime.Outcome) createdHeaders {
	h := headers(o)
	return createdHeaders{ETag: h.ETag, IdempotencyReplayed: h.IdempotencyReplayed, LedgerPosition: h.LedgerPosition, Location: location}
}

// batchHeaders are those of a batch. It was replayed if every licence that it issued was.
func batchHeaders(outcomes []licensing.IssueOutcome) LicensesIssuedResponseHeaders {
	var h LicensesIssuedResponseHeaders
	var issued, repeated int
	for _, o := range outcomes {
		if o.Err != nil {
			continue
		}
		issued++
		if o.Issued.Replayed {
			repeated++
		}
		h.LedgerPosition = max(h.LedgerPosition, uint64(o.Issued.Position))
	}
	h.IdempotencyReplayed = replayed(issued > 0 && repeated == issued)
	return h
}

// verdictHeaders are those of a verdict, which has an ETag only if the key belongs to a licence.
func verdictHeaders(v activation.Verdict) ValidatedResponseHeaders {
	h := ValidatedResponseHeaders{LedgerPosition: uint64(v.Position)}
	if v.License != nil {
		tag := present.ETag(v.Revision)
		h.ETag = &tag
	}
	return h
}

// replayed returns the value of Idempotency-Replayed, which is sent only when it is true.
func replayed(yes bool) *bool {
	if !yes {
		return nil
	}
	return &yes
}
