package commandapi

import (
	"context"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/httpapi/present"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// permissions are those that commands on projections require, by operation id. All other commands declare theirs in package commands.
var permissions = map[string]access.Permission{"RebuildProjection": access.ProjectionRebuild}

// authorize refuses such a command to a principal without its permission.
func authorize(next StrictHandlerFunc, operationID string) StrictHandlerFunc {
	required, declared := permissions[operationID]
	if !declared {
		return next
	}
	return func(c *echo.Context, request any) (any, error) {
		if _, err := access.Require(c.Request().Context(), required); err != nil {
			return nil, err
		}
		return next(c, request)
	}
}

// RebuildProjection implements [StrictServerInterface].
func (s server) RebuildProjection(ctx context.Context, r RebuildProjectionRequestObject) (RebuildProjectionResponseObject, error) {
	if err := s.Projections.RequestRebuild(ctx, r.Name); err != nil {
		return nil, err
	}
	all, err := s.Projections.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Name == r.Name {
			return RebuildProjection202JSONResponse(present.Projection(p)), nil
		}
	}
	return nil, problem.ErrNotFound
}
