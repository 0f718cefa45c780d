package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels"
)

func newFsckCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "fsck",
		Short: "Check the ledger and every read model against each other",
		Long: "Re-read the whole ledger, check that positions and revisions have no gap and every event can be read, then derive every\n" +
			"read model again aside and compare. Exits with 1 and names the first difference if there is any. Nothing is changed.\n" +
			"The server on the data directory must be stopped.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			report, err := fsck(cmd.Context(), c, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				err = report.print(cmd.OutOrStdout())
			}
			if err == nil && !report.Clean {
				err = errReported
			}
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// fsckReport is what a check found.
type fsckReport struct {
	Clean       bool             `json:"clean"`
	Events      uint64           `json:"events"`
	Streams     int              `json:"streams"`
	Digest      string           `json:"digest"` // of the events, as `ledger verify` tells it
	Epoch       eventstore.Epoch `json:"epoch"`
	Problem     string           `json:"problem,omitempty"` // of the ledger itself
	Hint        string           `json:"hint,omitempty"`    // what to do about it, where that is known
	Projections []fsckProjection `json:"projections"`
}

type fsckProjection struct {
	Name       string `json:"name"`
	Position   uint64 `json:"position"`
	Checksum   string `json:"checksum"`
	Derived    string `json:"derived"`
	Same       bool   `json:"same"`             // as what the ledger says, up to the position
	Behind     uint64 `json:"behind,omitempty"` // positions between the read model and the ledger's head
	Difference string `json:"difference,omitempty"`
}

// fsck checks a data directory. A difference is in the report; an error means that the check could not be carried out.
func fsck(ctx context.Context, c config, progress io.Writer) (report fsckReport, err error) {
	if unfit := requireLedgerFile(ctx, c); unfit != nil {
		return fsckReport{Problem: unfit.Error(), Projections: []fsckProjection{}}, nil
	}
	if err := c.existing(); err != nil {
		return report, err
	}
	logger := slog.New(slog.DiscardHandler)
	s, unfit, err := openToCheck(ctx, c, logger)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.checkLedger(ctx, &report, unfit, progress); err != nil {
		return report, err
	}
	if report.Problem != "" {
		return report, nil
	}
	return report, s.checkReadModels(ctx, c, &report, progress)
}

// checkLedger reads every event, looks at its place, and looks for the keys that it names. unfit is why the keys are not those of the ledger.
func (s *stores) checkLedger(ctx context.Context, report *fsckReport, unfit error, progress io.Writer) error {
	named := namedKeys{signing: map[string]event.Position{}, subjects: map[uuid.UUID]event.Position{}}
	summary, err := verifyLedger(ctx, s.events, s.registry, "reading the ledger", progress, named.add)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		report.Problem, report.Hint = err.Error(), hintOn(err)
	}
	report.Events, report.Streams, report.Digest, report.Epoch = summary.Events, summary.Streams, summary.Digest, s.epoch
	switch {
	case report.Problem != "":
	case unfit != nil:
		report.Problem = unfit.Error()
	default:
		report.Problem, err = named.missing(ctx, s.keysDB)
		return err
	}
	return nil
}

// checkReadModels derives all read models again and compares both sides at the position where the read model stands. A read model that stands
// before the ledger's head, after a crash for instance, is as good as what it holds, and not clean: what is missing cannot be compared.
func (s *stores) checkReadModels(ctx context.Context, c config, report *fsckReport, progress io.Writer) (err error) {
	folder, err := os.MkdirTemp(c.DataDir, "fsck-")
	if err != nil {
		return fmt.Errorf("make room to derive the read models: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	aside, err := readmodels.OpenSQLite(ctx, filepath.Join(folder, "readmodels.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, aside.Close()) }()
	var bar *bar
	var current string
	derivation := runtime.Derivation{Store: s.events, Registry: s.registry, Projectors: s.projectors(), Owner: owner(), Now: time.Now}
	verified, err := derivation.Verify(ctx, s.readModels, aside, func(name string, done uint64) {
		if name != current {
			bar.done()
			bar, current = newBar(progress, "deriving "+name, report.Events), name
		}
		bar.to(done)
	})
	bar.done()
	if errors.Is(err, readmodels.ErrNotFound) {
		return &advice{err, "start the server once: it derives the read models"}
	}
	if err != nil && !errors.Is(err, runtime.ErrAheadOfLedger) {
		return err
	}
	report.Clean = err == nil
	if err != nil {
		report.Problem = err.Error()
	}
	head, err := s.events.Head(ctx)
	if err != nil {
		return err
	}
	misfits, err := s.misfits(ctx)
	if err != nil {
		return err
	}
	for _, v := range verified {
		p := fsckProjection{Name: v.Projection, Position: uint64(v.Position), Checksum: v.Stored, Derived: v.Derived, Same: v.Stored == v.Derived}
		if v.Difference != nil {
			p.Difference = v.Difference.String()
		}
		if why := misfits[v.Projection]; p.Same && why != "" {
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

// misfits says, by projection, why stored rows are not those of the ledger.
func (s *stores) misfits(ctx context.Context) (map[string]string, error) {
	stored, err := s.readModels.Origins(ctx)
	if err != nil {
		return nil, err
	}
	misfits := map[string]string{}
	for _, rows := range stored {
		if misfits[rows.Name], err = runtime.Misfit(ctx, s.events, s.readModels.Origin(), rows); err != nil {
			return nil, err
		}
	}
	return misfits, nil
}

func (r fsckReport) print(out io.Writer) error {
	rows := make([][]string, len(r.Projections))
	for i, p := range r.Projections {
		verdict := "same"
		switch {
		case !p.Same:
			verdict = "DIFFERENT: " + p.Difference
		case p.Behind > 0:
			verdict = fmt.Sprintf("same so far, and %d BEFORE THE LEDGER'S HEAD: start the server, wait until `projections list` shows no lag, stop it", p.Behind)
		}
		rows[i] = []string{p.Name, fmt.Sprint(p.Position), p.Checksum, verdict}
	}
	if _, err := fmt.Fprintf(out, "ledger: %d events in %d streams\ndigest: %s\ninstallation: %s, epoch %s\n",
		r.Events, r.Streams, r.Digest, r.Epoch.Installation, r.Epoch.ID); err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := printTable(out, []string{"PROJECTION", "POSITION", "CHECKSUM", "DERIVED AGAIN"}, rows); err != nil {
			return err
		}
	}
	verdict := "clean"
	if !r.Clean {
		verdict = "NOT CLEAN"
	}
	if r.Problem != "" {
		verdict += ": " + r.Problem
	}
	if r.Hint != "" {
		verdict += "\n  " + r.Hint
	}
	_, err := fmt.Fprintln(out, verdict)
	return err
}
