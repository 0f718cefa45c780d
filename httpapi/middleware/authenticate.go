package middleware

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/contract"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// AdminKey is the SHA-256 of the admin key, which recognises the key.
type AdminKey [sha256.Size]byte

// NewAdminKey returns the hash of a key.
func NewAdminKey(key string) AdminKey { return sha256.Sum256([]byte(key)) }

func (k AdminKey) matches(key string) bool {
	hash := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(hash[:], k[:]) == 1
}

// Authenticate checks the credential that the contract of an endpoint requires, and refuses a principal without the endpoint's
// permission. It puts the principal into the request's context. A route without a contract requires the admin key.
func Authenticate(operations *contract.Contract, admin AdminKey) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			operation, documented := operations.Operation(c.Request().Method, c.Path())
			principal, err := admin.identify(operation.Credential, c.Request().Header.Values(echo.HeaderAuthorization))
			if err != nil {
				return err
			}
			if documented && !operation.Public && !principal.Role.Has(operation.Permission) {
				return access.ErrForbidden.WithMessage("your role does not have the permission %s", operation.Permission)
			}
			request := c.Request()
			c.SetRequest(request.WithContext(access.With(request.Context(), principal)))
			return next(c)
		}
	}
}

func (k AdminKey) identify(required contract.Credential, authorization []string) (access.Principal, error) {
	machine := access.Principal{Actor: string(access.Machine), Role: access.Machine}
	switch {
	case required == contract.Open:
		return machine, nil
	case len(authorization) == 0 && required == contract.Either:
		return machine, nil
	case len(authorization) == 0:
		return access.Principal{}, access.ErrNoPrincipal
	case len(authorization) > 1:
		return access.Principal{}, problem.ErrKeyRejected
	}
	scheme, key, _ := strings.Cut(authorization[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || !k.matches(strings.TrimSpace(key)) {
		return access.Principal{}, problem.ErrKeyRejected
	}
	return access.Principal{Tenant: access.DefaultTenant, Actor: string(access.Admin), Role: access.Admin}, nil
}
