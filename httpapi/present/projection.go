package present

import (
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Projection returns the status of a projection.
func Projection(p store.ProjectionStatus) api.Projection {
	out := api.Projection{
		Name:      p.Name,
		Version:   p.Version,
		State:     api.ProjectionState(p.State),
		Position:  p.Position,
		Head:      p.Head,
		Lag:       p.Lag,
		UpdatedAt: p.UpdatedAt,
	}
	if p.Progress != nil {
		out.Progress = &api.RebuildProgress{Done: p.Progress.Done, Total: p.Progress.Total}
	}
	if p.Error != "" {
		out.Error = &p.Error
	}
	if p.Checksum != "" {
		out.Checksum, out.ChecksumPosition = &p.Checksum, &p.ChecksumPosition
	}
	return out
}
