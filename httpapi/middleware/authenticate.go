package middleware

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/tenancy"
	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// AdminKey is what of the admin key is kept to recognise it: its SHA-256.
type AdminKey [sha256.Size]byte

// NewAdminKey returns what recognises a key.
func NewAdminKey(key string) AdminKey { return sha256.Sum256([]byte(key)) }

func (k AdminKey) matches(presented string) bool {
	hash := sha256.Sum256([]byte(presented))
	return subtle.ConstantTimeCompare(hash[:], k[:]) == 1
}

// Authenticate finds out who asks, as the contract of the endpoint wants it, and lets them act in the request's context. A
// route without a contract wants the admin key.
func Authenticate(operations *contract.Contract, admin AdminKey) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			operation, _ := operations.Operation(c.Request().Method, c.Path())
			principal, err := admin.identify(operation.Access, c.Request().Header.Values(echo.HeaderAuthorization))
			if err != nil {
				return err
			}
			request := c.Request()
			c.SetRequest(request.WithContext(tenancy.With(request.Context(), principal)))
			return next(c)
		}
	}
}

func (k AdminKey) identify(access contract.Access, authorization []string) (tenancy.Principal, error) {
	machine := tenancy.Principal{Actor: string(tenancy.Machine), Role: tenancy.Machine}
	switch {
	case access == contract.Open:
		return machine, nil
	case len(authorization) == 0 && access == contract.Either:
		return machine, nil
	case len(authorization) == 0:
		return tenancy.Principal{}, tenancy.ErrNoPrincipal
	case len(authorization) > 1:
		return tenancy.Principal{}, problem.ErrKeyRejected
	}
	scheme, key, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || !k.matches(strings.TrimSpace(key)) {
		return tenancy.Principal{}, problem.ErrKeyRejected
	}
	return tenancy.Principal{Tenant: tenancy.Default, Actor: string(tenancy.Admin), Role: tenancy.Admin}, nil
}
