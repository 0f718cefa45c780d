// Package correlation carries the correlation id of a request to the log, the events and the response, so that everything that the request
// caused can be found.
package correlation

import (
	"context"
	"strings"
)

// Header is the header that carries the id.
const Header = "X-Request-Id"

// MaxLength is how many characters an id of a client may have.
const MaxLength = 128

type key struct{}

// With returns a context with the id of a request.
func With(ctx context.Context, id string) context.Context { return context.WithValue(ctx, key{}, id) }

// From returns the id in a context, empty if there is none.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

// Valid reports whether an id of a client can be used: 1 to [MaxLength] characters of A-Z, a-z, 0-9 and . _ : / + = @ -
func Valid(id string) bool {
	return id != "" && len(id) <= MaxLength && strings.IndexFunc(id, unsafe) < 0
}

func unsafe(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	default:
		return !strings.ContainsRune("._:/+=@-", r)
	}
}
