package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/relocate"
)

func newKeysCommand() *cobra.Command {
	command := &cobra.Command{Use: "keys", Short: "Look after the keys"}
	command.AddCommand(newKeysCopyCommand())
	return command
}

func newKeysCopyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "copy --from ENDPOINT --to ENDPOINT",
		Short: "Copy the sealed keys to another place",
		Long: "Copy the keys to a database that contains none, as when read models and keys move to PostgreSQL. Stop every server first.\n" +
			"The keys stay sealed: whoever uses the copy needs the same master key. Everything is copied or nothing.\n\n" +
			"The keys of a data directory are in sqlite:" + backends.KeysFile + ". Destroy the old ones: a person who is erased later would stay\n" +
			"readable with them. An endpoint with a password is not taken from the command line: give it as\n" +
			config.CopyFromVariable + " or " + config.CopyToVariable + ". --from-schema and --to-schema name the schemas in PostgreSQL.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			plan, err := planOf(cmd, c, engine.Keys)
			if err != nil {
				return err
			}
			rows, err := relocate.Keys(cmd.Context(), plan)
			if err != nil {
				return err
			}
			return printResult(cmd, copiedKeys{rows}, printCopiedKeys)
		}),
	}
	endpointFlags(command, "from", "endpoint of the source ("+config.CopyFromVariable+")", engine.Keys)
	endpointFlags(command, "to", "endpoint of the target ("+config.CopyToVariable+")", engine.Keys)
	jsonFlag(command)
	return command
}

type copiedKeys struct {
	Rows int `json:"rows"`
}

func printCopiedKeys(out io.Writer, copied copiedKeys) error {
	_, err := fmt.Fprintf(out, "%d rows were copied and read back the same\n", copied.Rows)
	return err
}
