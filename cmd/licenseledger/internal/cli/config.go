package cli

import (
	"github.com/spf13/cobra"
)

func newConfigCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "config",
		Short: "Show every setting with its value and where it comes from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), c.Sources)
			}
			rows := make([][]string, len(c.Sources))
			for i, s := range c.Sources {
				rows[i] = []string{s.Key, s.Value, s.Source}
			}
			return printTable(cmd.OutOrStdout(), []string{"SETTING", "VALUE", "SOURCE"}, rows)
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}
