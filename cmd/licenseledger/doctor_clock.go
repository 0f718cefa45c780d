package main

import (
	"context"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/eventstore"
)

// examineLedgerTime compares the wall clock with the time of the ledger's last event.
func (d *diagnosis) examineLedgerTime(ctx context.Context, ledger readableLedger) error {
	const check = "clock"
	last, found, err := eventstore.Last(ctx, ledger)
	if err != nil {
		return err
	}
	if !found {
		d.ok(check, "the ledger is empty: there is nothing to compare the clock with")
		return nil
	}
	now := time.Now().UTC()
	recorded := fmt.Sprintf("it is %s, and the last event was recorded at %s", now.Format(time.RFC3339), last.RecordedAt.UTC().Format(time.RFC3339))
	ahead := last.RecordedAt.Sub(now).Round(time.Second)
	if ahead > clock.Tolerance {
		d.fail(check, fmt.Sprintf("the ledger is ahead of the clock: %s, %s later. Until the clock has passed it, decisions are made at that time and no expiry is recorded",
			recorded, ahead), "if this clock is wrong, set it right; if the clock was wrong when the event was recorded, start the server and run `licenseledger licenses undo-expiries`")
		return nil
	}
	d.ok(check, recorded)
	return nil
}
