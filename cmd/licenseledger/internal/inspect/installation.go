package inspect

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// InstallationReport is what ledger and keys say of each other.
type InstallationReport struct {
	Installation     *uuid.UUID         `json:"installation"` // null: the ledger has none yet
	Epochs           []eventstore.Epoch `json:"epochs"`
	Head             event.Position     `json:"head"`
	KeysInstallation *uuid.UUID         `json:"keys_installation"` // null: the keys remember no ledger yet
	KeysSeen         event.Position     `json:"keys_seen"`         // the last position that the keys remember
	Fit              bool               `json:"fit"`
	Problem          string             `json:"problem,omitempty"`
}

// Installation compares ledger and keys. If they do not belong together, the error and the report say so.
func Installation(ctx context.Context, s backends.Settings) (report InstallationReport, err error) {
	var ledger engine.Ledger = backends.NoLedger{}
	if !backends.IsMissing(s.EventStore, s.DataDir) {
		if ledger, err = backends.OpenLedger(ctx, s.EventStore, s.DataDir); err != nil {
			return report, err
		}
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if report.Epochs, err = ledger.Epochs(ctx); err != nil {
		return report, err
	}
	found, examined := backends.ExamineInstallation(ctx, s, ledger)
	if examined != nil && !backends.IsMismatch(examined) {
		return report, examined
	}
	report.Head, report.KeysSeen, report.Fit = found.Head, found.Witness.Position, examined == nil
	report.Installation, report.KeysInstallation = OptionalID(found.Epoch.Installation), OptionalID(found.Witness.Installation)
	if examined != nil {
		report.Problem = examined.Error()
	}
	return report, backends.ExplainMismatch(examined)
}

// OptionalID returns nil for the zero id.
func OptionalID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
