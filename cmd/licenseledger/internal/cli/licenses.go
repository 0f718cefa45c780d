package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

func newLicensesCommand() *cobra.Command {
	command := &cobra.Command{Use: "licenses", Short: "Correct licences on a running server"}
	command.AddCommand(newUndoExpiriesCommand())
	return command
}

func newUndoExpiriesCommand() *cobra.Command {
	var server, reason string
	var dryRun bool
	command := &cobra.Command{
		Use:   "undo-expiries --reason TEXT",
		Short: "Undo expiries that a clock recorded which ran ahead",
		Long: "Find the licences that are expired although their expires_at lies in the future, and undo each expiry. If the ledger's last\n" +
			"event lies in the future as well, the ledger's time is set back to the present with the first. Set the server's clock right before.\n" +
			"The server at --server is asked, or the one at --listen. Repeating the command does no harm.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reason == "" && !dryRun {
				return hint.New(errors.New("a reason is missing"), "say with --reason why the expiries are wrong, or look first with --dry-run")
			}
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			client, err := newAdminClient(c, server)
			if err != nil {
				return err
			}
			found, err := findWrongExpiries(cmd.Context(), client)
			if err != nil {
				return err
			}
			if !dryRun {
				if err := found.undo(cmd.Context(), client, reason, cmd.ErrOrStderr()); err != nil {
					return errors.Join(err, printResult(cmd, found, printExpiries))
				}
			}
			if err := printResult(cmd, found, printExpiries); err != nil {
				return err
			}
			if found.refused() > 0 {
				return hint.New(fmt.Errorf("%d of %d expiries could not be undone", found.refused(), len(found.Licenses)),
					"the results say why; a licence whose time has passed needs a renewal")
			}
			return nil
		},
	}
	command.Flags().StringVar(&reason, "reason", "", "why the expiries are wrong; it goes into the history of each licence")
	serverFlag(command, &server)
	command.Flags().BoolVar(&dryRun, "dry-run", false, "list the licences and change nothing")
	jsonFlag(command)
	return command
}

// printExpiries lists the licences with what became of each.
func printExpiries(out io.Writer, w *wrongExpiries) error {
	if w.LedgerAhead {
		if _, err := fmt.Fprintf(out, "The last event was recorded at %s, which lies in the future: it is %s.\nDecisions are made at that "+
			"time, until it has passed or an expiry is undone.\n", stamp(w.LedgerTime), stamp(w.Now)); err != nil {
			return err
		}
	}
	if len(w.Licenses) == 0 {
		_, err := fmt.Fprintln(out, "No licence has a wrong expiry.")
		return err
	}
	rows := make([][]string, len(w.Licenses))
	for i, l := range w.Licenses {
		rows[i] = []string{l.ID.String(), l.Status, stamp(l.ExpiresAt), l.Result}
	}
	return printTable(out, []string{"LICENCE", "STATUS", "EXPIRES AT", "RESULT"}, rows)
}
