// Package access says who acts, for which tenant, and what that principal may do.
//
// The principal travels in the context from the edge to the ledger. Commands and queries declare the one [Permission] they need, and roles
// hold permissions by the table in this package. What nobody declared is forbidden.
package access

import (
	"context"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// DefaultTenant is the tenant that exists from the first start on.
const DefaultTenant = "default"

// Principal is who acts, and for which tenant.
type Principal struct {
	Tenant string
	Actor  string // recorded with every event, such as "admin", "machine" or "system"
	Role   Role
}

// MayTouch reports whether the principal may see and change what belongs to a tenant. A machine shows which licence it may touch by the
// licence's key, and the program itself serves all tenants.
func (p Principal) MayTouch(tenant string) bool {
	return p.Role == Machine || p.Role == System || p.Tenant == tenant
}

var (
	// ErrNoPrincipal refuses a caller who was not authenticated.
	ErrNoPrincipal = domainerr.New("UNAUTHENTICATED", "the request is not authenticated",
		"send an API key, or a licence key where a machine may ask")
	// ErrForbidden refuses a principal whose role lacks the permission.
	ErrForbidden = domainerr.New("FORBIDDEN", "your role does not have the permission that this needs",
		"use an API key whose role has it")
)

type contextKey struct{}

// With returns a context in which p acts.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From returns the principal who acts in ctx, or ErrNoPrincipal.
func From(ctx context.Context) (Principal, error) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	if !ok {
		return Principal{}, ErrNoPrincipal
	}
	return p, nil
}

// Require returns the principal who acts in ctx if its role has the permission, else ErrNoPrincipal or ErrForbidden.
func Require(ctx context.Context, needed Permission) (Principal, error) {
	p, err := From(ctx)
	if err != nil {
		return Principal{}, err
	}
	if !p.Role.Has(needed) {
		return Principal{}, ErrForbidden.WithMessage("your role does not have the permission %s", needed)
	}
	return p, nil
}
