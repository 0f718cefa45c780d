package commands

import (
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// pending dresses payloads for the ledger.
func (r *repository[T]) pending(payloads []event.Payload, tenant, actor string, req Request) ([]event.Pending, error) {
	commandID := req.IdempotencyKey
	if commandID == "" {
		commandID = r.newID().String()
	}
	now := r.at(req)
	pending := make([]event.Pending, len(payloads))
	for i, p := range payloads {
		data, err := event.Encode(p)
		if err != nil {
			return nil, err
		}
		who := actor
		if _, byTime := p.(event.TimeDriven); byTime {
			who = string(tenancy.System)
		}
		pending[i] = event.Pending{
			ID:         r.newID(),
			Type:       p.EventType(),
			RecordedAt: now,
			Metadata: event.Metadata{
				Tenant:      tenant,
				Actor:       who,
				Correlation: req.Correlation,
				Causation:   commandID,
				CommandID:   commandID,
				RequestHash: req.hash,
			},
			Data: data,
		}
	}
	return pending, nil
}
