package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// FsckReport is what a check found.
type FsckReport struct {
	Clean       bool             `json:"clean"`
	Events      uint64           `json:"events"`
	Streams     int              `json:"streams"`
	Digest      string           `json:"digest"` // of the events, as `ledger verify` prints it
	Epoch       eventstore.Epoch `json:"epoch"`
	Problem     string           `json:"problem,omitempty"` // of the ledger itself
	Hint        string           `json:"hint,omitempty"`    // what to do about it, where that is known
	Projections []FsckProjection `json:"projections"`
}

// FsckProjection is one projection in the report.
type FsckProjection struct {
	Name       string `json:"name"`
	Position   uint64 `json:"position"`
	Checksum   string `json:"checksum"`
	Derived    string `json:"derived"`
	Same       bool   `json:"same"`             // as what the ledger says, up to the position
	Behind     uint64 `json:"behind,omitempty"` // positions between the read model and the ledger's head
	Difference string `json:"difference,omitempty"`
}

// Fsck checks a ledger with its keys and read models. A difference is in the report; an error means that the check could not be done.
func Fsck(ctx context.Context, s backends.Settings, out io.Writer) (report FsckReport, err error) {
	if mismatch := backends.RequireLedgerFile(ctx, s); mismatch != nil {
		return FsckReport{Problem: mismatch.Error(), Projections: []FsckProjection{}}, nil
	}
	if err := backends.RequireLedger(s.EventStore, s.DataDir); err != nil {
		return report, err
	}
	logger := slog.New(slog.DiscardHandler)
	b, mismatch, err := backends.OpenToCheck(ctx, s, logger)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := checkLedger(ctx, b, &report, mismatch, out); err != nil {
		return report, err
	}
	if report.Problem != "" {
		return report, nil
	}
	return report, checkReadModels(ctx, b, s.DataDir, &report, out)
}

// checkLedger reads every event, checks its position and revision, and looks for the keys that it names. mismatch says why the keys are
// not those of the ledger; nil: they are.
func checkLedger(ctx context.Context, b *backends.Backends, report *FsckReport, mismatch error, out io.Writer) error {
	named := namedKeys{signing: map[string]event.Position{}, subjects: map[uuid.UUID]event.Position{}}
	summary, err := verify(ctx, b.Events, b.Registry, "reading the ledger", out, named.add)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		report.Problem, report.Hint = err.Error(), hint.Of(err)
	}
	report.Events, report.Streams, report.Digest, report.Epoch = summary.Events, summary.Streams, summary.Digest, b.Epoch
	switch {
	case report.Problem != "":
	case mismatch != nil:
		report.Problem = mismatch.Error()
	default:
		report.Problem, err = named.missing(ctx, b.KeysDB)
		return err
	}
	return nil
}

// checkReadModels derives all read models again and compares both at the position of the stored one. A read model whose position is
// before the ledger's head, after a crash for instance, is not clean: what is missing cannot be compared.
func checkReadModels(ctx context.Context, b *backends.Backends, dataDir string, report *FsckReport, out io.Writer) (err error) {
	folder, err := os.MkdirTemp(dataDir, "fsck-")
	if err != nil {
		return fmt.Errorf("create a folder to derive the read models in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	at := backends.File(backends.ReadModelsFile)
	derived, err := at.Engine.OpenReadModels(ctx, at, engine.Endpoint{}, folder, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, derived.Close()) }()
	var bar *progress.Bar
	var current string
	derivation := runtime.Derivation{Store: b.Events, Registry: b.Registry, Projectors: b.Projectors(), Owner: backends.ProcessName(),
		Now: time.Now}
	verified, err := derivation.Verify(ctx, b.ReadModels, derived, func(name string, done uint64) {
		if name != current {
			bar.Done()
			bar, current = progress.New(out, "deriving "+name, report.Events), name
		}
		bar.Set(done)
	})
	bar.Done()
	if errors.Is(err, store.ErrNotFound) {
		return hint.New(err, "start the server once: it derives the read models")
	}
	if err != nil && !errors.Is(err, runtime.ErrAheadOfLedger) {
		return err
	}
	report.Clean = err == nil
	if err != nil {
		report.Problem = err.Error()
	}
	head, err := b.Events.Head(ctx)
	if err != nil {
		return err
	}
	mismatches, err := mismatchesOf(ctx, b)
	if err != nil {
		return err
	}
	for _, v := range verified {
		p := FsckProjection{Name: v.Projection, Position: uint64(v.Position), Checksum: v.Stored, Derived: v.Derived, Same: v.Stored == v.Derived}
		if v.Difference != nil {
			p.Difference = v.Difference.String()
		}
		if why := mismatches[v.Projection]; p.Same && why != "" {
			p.Same, p.Difference = false, why+"; the next start rebuilds it"
		}
		if v.Position < head {
			p.Behind = uint64(head - v.Position)
		}
		report.Clean = report.Clean && p.Same && p.Behind == 0
		report.Projections = append(report.Projections, p)
	}
	return nil
}

// mismatchesOf says, by projection, why stored rows are not those of the ledger.
func mismatchesOf(ctx context.Context, b *backends.Backends) (map[string]string, error) {
	stored, err := b.ReadModels.Origins(ctx)
	if err != nil {
		return nil, err
	}
	mismatches := map[string]string{}
	for _, rows := range stored {
		if mismatches[rows.Name], err = runtime.Misfit(ctx, b.Events, b.ReadModels.Origin(), rows); err != nil {
			return nil, err
		}
	}
	return mismatches, nil
}
