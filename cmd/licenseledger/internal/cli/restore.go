package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backup"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
)

func newRestoreCommand() *cobra.Command {
	var keysDir string
	command := &cobra.Command{
		Use:   "restore DIR",
		Short: "Restore a backup into an empty data directory",
		Long: "Copy a backup of the ledger, and with --keys one of the keys, into an empty data directory. The ledger is read before and\n" +
			"after, and must be the one of its manifest both times. It begins a new epoch: consumers of the feed learn that positions\n" +
			"after its end are used again. The next start of the server derives the read models.\n\n" + aboutKeys,
		Args: cobra.ExactArgs(1),
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, args []string) error {
			report, err := backup.Restore(cmd.Context(), c.Settings, args[0], keysDir, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return printResult(cmd, report, printRestored)
		}),
	}
	command.Flags().StringVar(&keysDir, "keys", "", "folder that `backup --keys` wrote")
	jsonFlag(command)
	return command
}

func printRestored(out io.Writer, r backup.RestoreReport) error {
	keys := "not restored: put " + backends.KeysFile + " and the master key into the data directory before the first start"
	if len(r.Keys) > 0 {
		keys = strings.Join(r.Keys, ", ")
	}
	return printTable(out, []string{"RESTORED", r.DataDir}, [][]string{
		{"backup of", r.Ledger.MadeAt.Format(time.RFC3339)}, {"events", fmt.Sprint(r.Ledger.Events)}, {"head", fmt.Sprint(r.Ledger.Head)},
		{"digest", r.Ledger.Digest}, {"keys", keys}, {"read models", "the next start of the server derives them"},
	})
}
