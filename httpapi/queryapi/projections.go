package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels"
)

// ListProjections implements [StrictServerInterface].
func (s server) ListProjections(ctx context.Context, _ ListProjectionsRequestObject) (ListProjectionsResponseObject, error) {
	all, err := s.Projections.Status(ctx)
	if err != nil {
		return nil, err
	}
	answer := ListProjections200JSONResponse{Items: make([]api.Projection, len(all))}
	for i, p := range all {
		answer.Items[i] = projectionJSON(p)
	}
	return answer, nil
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
			return RebuildProjection202JSONResponse(projectionJSON(p)), nil
		}
	}
	return nil, problem.ErrNotFound
}

func projectionJSON(p readmodels.ProjectionStatus) api.Projection {
	described := api.Projection{
		Name:      p.Name,
		Version:   p.Version,
		State:     api.ProjectionState(p.State),
		Position:  p.Position,
		Head:      p.Head,
		Lag:       p.Lag,
		UpdatedAt: p.UpdatedAt,
	}
	if p.Progress != nil {
		described.Progress = &api.RebuildProgress{Done: p.Progress.Done, Total: p.Progress.Total}
	}
	if p.Error != "" {
		described.Error = &p.Error
	}
	if p.Checksum != "" {
		described.Checksum, described.ChecksumPosition = &p.Checksum, &p.ChecksumPosition
	}
	return described
}
