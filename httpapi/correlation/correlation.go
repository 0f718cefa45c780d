// Package correlation carries the correlation id of a request to the log, the events and the response, so that everything that the request
// caused can be found.
package correlation

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
)

// How many characters the ids of clients have.
const (
	uuidLength  = 36
	traceLength = 32
)

type key struct{}

// With returns a context with the id of a request.
func With(ctx context.Context, id string) context.Context { return context.WithValue(ctx, key{}, id) }

// From returns the id in a context, empty if there is none.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

// Valid reports whether an id of a client can be used: a UUID in its usual form (RFC 9562, section 4), or the 32 hex digits of a trace id, not
// all of them zero (https://www.w3.org/TR/trace-context/#trace-id). Such ids cannot hold a name, an address or a secret.
func Valid(id string) bool {
	switch len(id) {
	case uuidLength:
		return uuid.Validate(id) == nil
	case traceLength:
		_, err := hex.DecodeString(id)
		return err == nil && strings.Trim(id, "0") != ""
	}
	return false
}
