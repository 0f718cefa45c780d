package license_test

import (
	"fmt"
	"log"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// A licence is its events. A decision reads them and returns new ones, preceded by what time has brought about.
func ExampleStream_Decide() {
	issuedAt := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	expiresAt := issuedAt.AddDate(0, 1, 0)
	stream, err := license.Fold(nil, event.Event{
		Envelope: event.Envelope{Position: 1, Revision: 1, Pending: event.Pending{Type: license.IssuedType}},
		Payload: license.Issued{
			LicenseID: uuid.New(), PlanCode: "pro", ExpiresAt: &expiresAt, IssuedAt: issuedAt,
			Policy: license.Policy{PlanMaxMachines: 1, FingerprintMatch: machine.MatchMost},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, now := range []time.Time{issuedAt.AddDate(0, 0, 7), issuedAt.AddDate(0, 2, 0)} {
		events, err := stream.Decide(license.Suspend{Reason: "unpaid"}, now)
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range events {
			fmt.Println(now.Format(time.DateOnly), e.EventType())
		}
	}

	// Output:
	// 2026-03-10 license.suspended.v1
	// 2026-05-03 license.expired.v2
	// 2026-05-03 license.suspended.v1
}
