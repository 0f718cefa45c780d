package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
)

// ListProjections implements [StrictServerInterface].
func (s server) ListProjections(ctx context.Context, _ ListProjectionsRequestObject) (ListProjectionsResponseObject, error) {
	all, err := s.Projections.Status(ctx)
	if err != nil {
		return nil, err
	}
	response := ListProjections200JSONResponse{Items: make([]api.Projection, len(all))}
	for i, p := range all {
		response.Items[i] = present.Projection(p)
	}
	return response, nil
}
