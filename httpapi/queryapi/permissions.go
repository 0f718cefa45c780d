package queryapi

import (
	"context"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/access"
)

// permissions are those that the queries require, by operation id. A query without one is forbidden to everybody.
var permissions = map[string]access.Permission{
	"ListProducts":        access.ProductRead,
	"GetProduct":          access.ProductRead,
	"GetProductKeys":      access.SigningKeyRead,
	"ListPlans":           access.PlanRead,
	"GetPlan":             access.PlanRead,
	"ListLicenses":        access.LicenseRead,
	"GetLicense":          access.LicenseRead,
	"GetLicenseHistory":   access.HistoryRead,
	"ListLicenseMachines": access.MachineRead,
	"ListLedgerEvents":    access.LedgerRead,
	"ListProjections":     access.ProjectionRead,
}

// authorize refuses a query to a principal without its permission.
func authorize(next StrictHandlerFunc, operationID string) StrictHandlerFunc {
	return func(c *echo.Context, request any) (any, error) {
		if err := requirePermission(c.Request().Context(), operationID); err != nil {
			return nil, err
		}
		return next(c, request)
	}
}

func requirePermission(ctx context.Context, operationID string) error {
	_, err := access.Require(ctx, permissions[operationID])
	return err
}
