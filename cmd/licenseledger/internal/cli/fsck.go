package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
)

func newFsckCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "fsck",
		Short: "Check the ledger and every read model against each other",
		Long: "Re-read the whole ledger, check that positions and revisions have no gap and every event can be read, then derive every\n" +
			"read model again in a temporary folder and compare. Exits with 1 and names the first difference if there is any. Nothing is\n" +
			"changed. The server on the data directory must be stopped.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			report, err := inspect.Fsck(cmd.Context(), c.Settings, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			err = printResult(cmd, report, printFsck)
			if err == nil && !report.Clean {
				err = hint.ErrReported
			}
			return err
		}),
	}
	jsonFlag(command)
	return command
}

func printFsck(out io.Writer, r inspect.FsckReport) error {
	rows := make([][]string, len(r.Projections))
	for i, p := range r.Projections {
		verdict := "same"
		switch {
		case !p.Same:
			verdict = "DIFFERENT: " + p.Difference
		case p.Behind > 0:
			verdict = fmt.Sprintf("same so far, and %d BEFORE THE LEDGER'S HEAD: start the server, wait until `projections list` shows no "+
				"lag, stop it", p.Behind)
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
