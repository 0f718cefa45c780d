package upgrade

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// Open makes the options lead to a new copy of the fixture in a folder: its data directory, and its database on the engines.
func Open(ctx context.Context, fixture string, place *engines.Engines, o *process.Options) error {
	if err := Unpack(filepath.Join(fixture, DataFile), o.DataDir); err != nil {
		return err
	}
	if err := place.NewLedger(ctx, o); err != nil {
		return err
	}
	for _, variable := range o.Env {
		database, found := strings.CutPrefix(variable, "LICENSELEDGER_EVENTSTORE=")
		if !found {
			continue
		}
		if err := Restore(ctx, filepath.Join(fixture, DumpFile), database); err != nil {
			return fmt.Errorf("restore the dump: %w", err)
		}
	}
	return nil
}
