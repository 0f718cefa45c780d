package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
)

func newConfigCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Show every setting with its value and where it comes from",
		Args:  cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			return printResult(cmd, c.Sources, printSources)
		}),
	}
	jsonFlag(command)
	return command
}

func printSources(out io.Writer, sources []config.Source) error {
	rows := make([][]string, len(sources))
	for i, s := range sources {
		rows[i] = []string{s.Key, s.Value, s.Source}
	}
	return printTable(out, []string{"SETTING", "VALUE", "SOURCE"}, rows)
}
