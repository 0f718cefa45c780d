// Package tenancy says on whose behalf the program acts: the tenant whose data is touched and the principal who touches it.
// The principal travels in the context from the edge to the ledger, so that no layer can forget it.
package tenancy

import (
	"context"
	"slices"

	"github.com/licenseledger/licenseledger/domain/domainerr"
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

// MayTouch reports whether the principal may see and change what belongs to a tenant. A machine shows which licence it
// may touch by the licence's key, and the program itself serves all tenants.
func (p Principal) MayTouch(tenant string) bool {
	return p.Role == Machine || p.Role == System || p.Tenant == tenant
}

var (
	// ErrNoPrincipal says that nobody acts in a context: the caller was not authenticated.
	ErrNoPrincipal = domainerr.New("UNAUTHENTICATED", "nobody is known to be asking",
		"send an API key as \"Authorization: Bearer …\", or a licence key where a machine may ask")
	// ErrForbidden refuses a principal whose role does not permit what is asked.
	ErrForbidden = domainerr.New("FORBIDDEN", "your role does not permit this",
		"use an API key whose role permits it")
)

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

// Require returns ErrForbidden unless the principal who acts in ctx has one of the roles.
func Require(ctx context.Context, roles ...Role) error {
	p, err := From(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(roles, p.Role) {
		return ErrForbidden
	}
	return nil
}
