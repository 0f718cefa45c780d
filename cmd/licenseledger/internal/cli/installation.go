package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
	"github.com/licenseledger/licenseledger/eventstore"
)

func newInstallationCommand() *cobra.Command {
	command := &cobra.Command{Use: "installation", Short: "See whether ledger and keys belong together, and continue with an earlier " +
		"ledger on purpose"}
	command.AddCommand(newInstallationShowCommand(), newInstallationAcceptCommand())
	return command
}

func newInstallationShowCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "show",
		Short: "Show the installation, the epochs of its ledger, and whether the keys belong to it",
		Long: "Show the installation, the epochs of its ledger, and whether the keys belong to it. Nothing is changed; the server may run.\n" +
			"Exits with 1 when the parts do not belong together.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			report, err := inspect.Installation(cmd.Context(), c.Settings)
			if err != nil && report.Problem == "" {
				return err
			}
			return errors.Join(printResult(cmd, report, printInstallation), err)
		}),
	}
	jsonFlag(command)
	return command
}

func printInstallation(out io.Writer, r inspect.InstallationReport) error {
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
		{"head", fmt.Sprint(r.Head)}, {"keys", name(r.KeysInstallation)}, {"last position seen with the keys", fmt.Sprint(r.KeysSeen)},
		{"ledger and keys", verdict},
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
	command := &cobra.Command{
		Use:   "accept",
		Short: "Continue with a ledger that was put back to an earlier state",
		Long: "Begin a new epoch of the ledger as it is now. Use it after the ledger was put back to an earlier state by other means than\n" +
			"`licenseledger restore`: a copied file, a file system snapshot, point-in-time recovery of the database. Events after the ledger's\n" +
			"end are lost. Read models are compared with the ledger at the next start and rebuilt where they do not fit; consumers of the\n" +
			"feed learn that the epoch changed. Stop every server first.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			epoch, err := backends.Accept(cmd.Context(), c.Settings)
			if err != nil {
				return err
			}
			return printResult(cmd, epoch, printEpoch)
		}),
	}
	jsonFlag(command)
	return command
}

func printEpoch(out io.Writer, e eventstore.Epoch) error {
	_, err := fmt.Fprintf(out, "installation %s continues after position %d, in the new epoch %s\n", e.Installation, e.After, e.ID)
	return err
}
