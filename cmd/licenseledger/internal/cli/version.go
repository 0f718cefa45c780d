package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version"
)

func newVersionCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program, its commit and the version of Go",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(cmd.OutOrStdout(), version.Current())
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version.Current())
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}
