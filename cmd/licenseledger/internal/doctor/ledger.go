package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/migrations"
)

// examineLedger reads the head of the ledger.
func (d *examination) examineLedger(ctx context.Context, c config.Config) {
	if c.EventStore.Engine.OpenTables != nil && !d.examineTables(ctx, "eventstore: tables", c.EventStore, c.DataDir, migrations.Ledger) {
		if backends.IsMissing(c.EventStore, c.DataDir) {
			d.examineInstallation(ctx, c, backends.NoLedger{})
		}
		return
	}
	const check = "eventstore: ledger"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	ledger, err := backends.OpenLedger(ctx, c.EventStore, c.DataDir)
	if err != nil {
		d.Fail(check, err.Error(), "make "+c.EventStore.String()+" reachable from here")
		return
	}
	defer func() { _ = ledger.Close() }()
	head, err := ledger.Head(ctx)
	if err == nil {
		err = d.examineLedgerTime(ctx, ledger)
	}
	if err != nil {
		d.Fail(check, err.Error(), "`licenseledger ledger verify` says more")
		return
	}
	d.OK(check, fmt.Sprintf("head at position %d", head))
	d.examineTypes(ctx, c)
	d.examineInstallation(ctx, c, ledger)
}

// examineLedgerTime compares the wall clock with the time of the ledger's last event.
func (d *examination) examineLedgerTime(ctx context.Context, ledger engine.Ledger) error {
	const check = "clock"
	last, found, err := eventstore.Last(ctx, ledger)
	if err != nil {
		return err
	}
	if !found {
		d.OK(check, "the ledger is empty: there is nothing to compare the clock with")
		return nil
	}
	now := time.Now().UTC()
	recorded := fmt.Sprintf("it is %s, and the last event was recorded at %s", now.Format(time.RFC3339),
		last.RecordedAt.UTC().Format(time.RFC3339))
	ahead := last.RecordedAt.Sub(now).Round(time.Second)
	if ahead > clock.Tolerance {
		d.Fail(check, fmt.Sprintf("the ledger is ahead of the clock: %s, %s later. Until the clock has passed it, decisions are made at "+
			"that time and no expiry is recorded",
			recorded, ahead), "if this clock is wrong, set it right; if the clock was wrong when the event was recorded, start the server and "+
			"run `licenseledger licenses undo-expiries`")
		return nil
	}
	d.OK(check, recorded)
	return nil
}
