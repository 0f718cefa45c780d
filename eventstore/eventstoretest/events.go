package eventstoretest

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// occurred returns n new events, told apart by their ids and payloads.
func occurred(n int) []event.Pending {
	events := make([]event.Pending, n)
	for i := range events {
		id := uuid.Must(uuid.NewV7())
		events[i] = event.Pending{
			ID:         id,
			Type:       "test.happened.v1",
			RecordedAt: time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC),
			Metadata: event.Metadata{
				Tenant: "default", Actor: "admin", Correlation: "correlation-1", Causation: "causation-1",
				CommandID: id.String(), RequestHash: "5e884898da28047151d0e56f8dc62927",
			},
			Data: fmt.Appendf(nil, `{"n":%d,"id":%q,"note":"as large as a typical event of a license, about a hundred and fifty bytes"}`, i, id),
		}
	}
	return events
}
