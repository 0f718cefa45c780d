package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// GetLicenseHistory implements [StrictServerInterface].
func (s server) GetLicenseHistory(ctx context.Context, r GetLicenseHistoryRequestObject) (GetLicenseHistoryResponseObject, error) {
	part, err := paging(r.Params.Cursor, r.Params.Limit)
	if err != nil {
		return nil, err
	}
	found, err := s.license(ctx, r.ID, r.Params.LedgerPosition, licenses.Definition.Name, timeline.Definition.Name)
	if err != nil {
		return nil, err
	}
	rows, err := s.Timeline.OfLicense(ctx, found.Tenant, found.ID, part)
	if err != nil {
		return nil, err
	}
	items, cursor, link, err := page(ctx, rows, historyJSON)
	return GetLicenseHistory200JSONResponse{
		Body: api.HistoryPage{Items: items, NextCursor: cursor}, Headers: GetLicenseHistory200ResponseHeaders{Link: link},
	}, err
}

func historyJSON(e timeline.Entry) (api.HistoryEntry, error) {
	return api.HistoryEntry{
		Position:      e.Position,
		EventID:       e.EventID,
		Revision:      e.Revision,
		Type:          e.Type,
		RecordedAt:    e.RecordedAt,
		Actor:         e.Actor,
		CorrelationID: e.Correlation,
		Reason:        e.Reason,
		Summary:       e.Summary,
		Data:          e.Data,
	}, nil
}
