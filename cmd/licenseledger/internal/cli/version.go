package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version"
)

func newVersionCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program, its commit and the version of Go",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printResult(cmd, version.Current(), printVersion)
		},
	}
	jsonFlag(command)
	return command
}

func printVersion(out io.Writer, build version.Build) error {
	_, err := fmt.Fprintln(out, build)
	return err
}
