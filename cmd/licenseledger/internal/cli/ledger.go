package cli

import "github.com/spf13/cobra"

func newLedgerCommand() *cobra.Command {
	command := &cobra.Command{Use: "ledger", Short: "Check the ledger itself, or copy it to another engine"}
	command.AddCommand(newLedgerVerifyCommand(), newLedgerCopyCommand())
	return command
}
