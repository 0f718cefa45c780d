// Package tenancy says on whose behalf the program acts: the tenant whose data is touched and the principal who touches it.
// The principal travels in the context from the edge to the ledger, so that no layer can forget it.
package tenancy

import (
	"context"
	"errors"
)

// Default is the tenant that exists from the first start on.
const Default = "default"

// Role says what a principal may do.
type Role string

// The roles.
const (
	// Admin may do everything within the tenant.
	Admin Role = "admin"
	// Machine holds a licence key: it may activate, validate and release under that licence, nothing else.
	Machine Role = "machine"
	// System is the program itself, for what happens by the passage of time.
	System Role = "system"
)

// Principal is who acts, and for which tenant.
type Principal struct {
	Tenant string
	Actor  string // recorded with every event, such as "admin", "machine" or "system"
	Role   Role
}

// ErrNoPrincipal says that a context carries no principal: the caller was not authenticated.
var ErrNoPrincipal = errors.New("no principal in the context")

type key struct{}

// With returns a context in which p acts.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, key{}, p)
}

// From returns the principal who acts in ctx, or ErrNoPrincipal.
func From(ctx context.Context) (Principal, error) {
	p, ok := ctx.Value(key{}).(Principal)
	if !ok {
		return Principal{}, ErrNoPrincipal
	}
	return p, nil
}
