package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backup"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
)

// aboutKeys is why ledger and keys are kept apart.
const aboutKeys = "" +
	"Keys are never put beside the ledger. Personal data in the ledger is sealed; whoever has both backups can read everything\n" +
	"and sign certificates. Store them in different places, with different people. Without the keys a restored ledger cannot\n" +
	"validate licence keys or show names. A backup of keys also contains the keys of people whom you erase later: keep few of\n" +
	"them, and delete them soon."

func newBackupCommand() *cobra.Command {
	var keysDir string
	command := &cobra.Command{
		Use:   "backup DIR",
		Short: "Back up the embedded ledger while the server runs",
		Long: "Write the ledger, as it is at one moment, and a manifest into a new folder. The server may run. The\n" +
			"copy is read back before the folder gets its name, so a folder of that name is a complete backup; nothing is ever\n" +
			"overwritten. Read models are not part of it: they are derived again.\n\n" + aboutKeys,
		Args: cobra.ExactArgs(1),
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, args []string) error {
			report, err := backup.Write(cmd.Context(), c.Settings, args[0], keysDir, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return printResult(cmd, report, printBackup)
		}),
	}
	command.Flags().StringVar(&keysDir, "keys", "", "another new folder for the keys: "+backends.KeysFile+", "+backends.MasterKeyFile+
		" and "+adminkey.File+", as far as they are files")
	jsonFlag(command)
	return command
}

func printBackup(out io.Writer, r backup.Report) error {
	rows := [][]string{
		{"events", fmt.Sprint(r.Ledger.Events)}, {"head", fmt.Sprint(r.Ledger.Head)}, {"digest", r.Ledger.Digest},
	}
	keys := "not backed up (--keys)"
	if r.Keys != nil {
		keys = "in their own folder, with " + backends.MasterKeyFile
		if r.Keys.Files[backends.MasterKeyFile] == "" {
			keys = "in their own folder; the master key is in the configuration: store it safely as well"
		}
	}
	return printTable(out, []string{"BACKUP", r.Folder}, append(rows, []string{"keys", keys}))
}
