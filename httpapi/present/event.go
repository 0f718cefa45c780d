package present

import (
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// Event returns an event of the ledger.
func Event(e event.Envelope) api.LedgerEvent {
	return api.LedgerEvent{
		Position:      uint64(e.Position),
		Stream:        e.Stream,
		Revision:      uint64(e.Revision),
		ID:            e.ID,
		Type:          string(e.Type),
		RecordedAt:    e.RecordedAt.UTC(),
		Actor:         e.Actor,
		CorrelationID: e.Correlation,
		CausationID:   e.Causation,
		CommandID:     e.CommandID,
		Data:          e.Data,
	}
}

// HistoryEntry returns an event of a licence's history.
func HistoryEntry(e timeline.Entry) api.HistoryEntry {
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
	}
}
