package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
)

func newInstallationCommand() *cobra.Command {
	command := &cobra.Command{Use: "installation", Short: "See whether ledger and keys belong together, and go on with an earlier ledger on purpose"}
	command.AddCommand(newInstallationShowCommand(), newInstallationAcceptCommand())
	return command
}

func newInstallationShowCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "show",
		Short: "Show the installation, the epochs of its ledger, and whether the keys belong to it",
		Long: "Show the installation, the epochs of its ledger, and whether the keys belong to it. Nothing is changed; the server may run.\n" +
			"Exits with 1 when the parts do not belong together.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			report, err := showInstallation(cmd.Context(), c)
			if err != nil && report.Problem == "" {
				return err
			}
			if asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), report), err)
			}
			return errors.Join(report.print(cmd.OutOrStdout()), err)
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// installationReport is what ledger and keys say of each other.
type installationReport struct {
	Installation     *uuid.UUID         `json:"installation"` // null: the ledger has none yet
	Epochs           []eventstore.Epoch `json:"epochs"`
	Head             event.Position     `json:"head"`
	KeysInstallation *uuid.UUID         `json:"keys_installation"` // null: the keys remember no ledger yet
	KeysSeen         event.Position     `json:"keys_seen"`         // the last position that the keys remember
	Fit              bool               `json:"fit"`
	Problem          string             `json:"problem,omitempty"`
}

// showInstallation compares ledger and keys without changing either. The error says that they do not belong together, and then the report
// does too.
func showInstallation(ctx context.Context, c config) (report installationReport, err error) {
	var ledger readableLedger = noLedger{}
	if !isMissing(c.EventStore, c.DataDir) {
		if ledger, err = openLedger(ctx, c.EventStore, c.DataDir); err != nil {
			return report, err
		}
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if report.Epochs, err = ledger.Epochs(ctx); err != nil {
		return report, err
	}
	found, examined := examineInstallation(ctx, c, ledger)
	if examined != nil && !isMisfit(examined) {
		return report, examined
	}
	report.Head, report.KeysSeen, report.Fit = found.Head, found.Witness.Position, examined == nil
	report.Installation, report.KeysInstallation = given(found.Epoch.Installation), given(found.Witness.Installation)
	if examined != nil {
		report.Problem = examined.Error()
	}
	return report, misfit(examined)
}

func given(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func (r installationReport) print(out io.Writer) error {
	name := func(id *uuid.UUID) string {
		if id == nil {
			return "none yet"
		}
		return id.String()
	}
	verdict := "they belong together"
	if !r.Fit {
		verdict = "THEY DO NOT BELONG TOGETHER: " + r.Problem
	}
	if err := printTable(out, []string{"LEDGER", name(r.Installation)}, [][]string{
		{"head", fmt.Sprint(r.Head)}, {"keys", name(r.KeysInstallation)}, {"last position seen with the keys", fmt.Sprint(r.KeysSeen)}, {"ledger and keys", verdict},
	}); err != nil || len(r.Epochs) == 0 {
		return err
	}
	rows := make([][]string, len(r.Epochs))
	for i, e := range r.Epochs {
		rows[i] = []string{e.ID.String(), e.BeganAt.Format(time.RFC3339), fmt.Sprint(e.After), string(e.Reason)}
	}
	if _, err := fmt.Fprintln(out); err != nil {
		return err
	}
	return printTable(out, []string{"EPOCH", "BEGAN", "AFTER POSITION", "REASON"}, rows)
}

func newInstallationAcceptCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "accept",
		Short: "Go on with a ledger that was put back to an earlier state",
		Long: "Begin a new epoch of the ledger as it is now. Use it after the ledger was put back to an earlier state by other means than\n" +
			"`licenseledger restore`: a copied file, a file system snapshot, point-in-time recovery of the database. Events after the ledger's\n" +
			"end are lost. Read models are compared with the ledger at the next start and rebuilt where they do not fit; consumers of the\n" +
			"feed are told that the epoch changed. Stop every server first.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			epoch, err := acceptLedger(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), epoch)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "installation %s goes on after position %d, in the new epoch %s\n", epoch.Installation, epoch.After, epoch.ID)
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func acceptLedger(ctx context.Context, c config) (epoch eventstore.Epoch, err error) {
	if err := c.makeDataDir(); err != nil {
		return epoch, err
	}
	s := &stores{registry: domain.Events()}
	defer func() { err = errors.Join(err, s.Close()) }()
	if !c.EventStore.shared() || !c.ReadModels.shared() {
		if err := s.lock(c); err != nil {
			return epoch, err
		}
	}
	if s.events, err = openEvents(ctx, c.EventStore, c.DataDir, slog.New(slog.DiscardHandler)); err != nil {
		return epoch, notOpened("eventstore", err)
	}
	s.closers = append(s.closers, s.events.Close)
	if err := s.requireKeysFile(ctx, c); err != nil {
		return epoch, misfit(err)
	}
	keys, err := openKeysAt(ctx, c.Keys, c.DataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return epoch, notOpened("readmodels", err)
	}
	s.closers = append(s.closers, keys.Close)
	epoch, err = installation.Accept(ctx, s.events, keys, s.registry, time.Now, newID)
	return epoch, misfit(err)
}
