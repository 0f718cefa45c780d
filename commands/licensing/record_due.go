package licensing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// RecordDue records what the passage of time has brought about at a licence: its expiry, leases that lapsed. Decisions do not wait for it;
// it is for the history, the read models and those who read the ledger. So commands on the licence go first between two portions.
type RecordDue struct{ LicenseID uuid.UUID }

func (c *Commands) recordDue(ctx context.Context, req runtime.Request, command RecordDue) (runtime.Outcome, error) {
	for {
		result, err := c.repositories.Licenses.Execute(ctx, req, command.LicenseID,
			func(s *license.Stream, now time.Time) ([]event.Payload, error) {
				due := s.Due(now)
				return due[:min(len(due), runtime.MaxPortion)], nil
			})
		if err != nil || len(result.Events) < runtime.MaxPortion {
			return result.Outcome, err
		}
	}
}
