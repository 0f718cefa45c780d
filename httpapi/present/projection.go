// Package present turns what commands and queries return into the types of the API.
package present

import (
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Projection is the status of a projection.
func Projection(p store.ProjectionStatus) api.Projection {
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
