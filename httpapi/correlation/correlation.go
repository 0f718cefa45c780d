// Package correlation carries the id of a request from the edge to the log, the ledger and the answer, so that whatever
// followed from one request can be found again.
package correlation

import (
	"context"
	"strings"
)

// MaxLength is how many characters an id that a client sends may have.
const MaxLength = 128

type key struct{}

// With returns a context that belongs to the request with this id.
func With(ctx context.Context, id string) context.Context { return context.WithValue(ctx, key{}, id) }

// From returns the id of the request that a context belongs to, empty when it belongs to none.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}

// Valid reports whether an id from a client can be taken over: 1 to [MaxLength] characters of A-Z, a-z, 0-9 and . _ : / + = @ -
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
