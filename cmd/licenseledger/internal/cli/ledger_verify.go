package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
	"github.com/licenseledger/licenseledger/domain/event"
)

func newLedgerVerifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify",
		Short: "Read the whole ledger and print its digest",
		Long: "Read the whole ledger, check that positions and revisions have no gap and every event can be read, and print its size and\n" +
			"digest: SHA-256 over every event in order, whatever engine stores it. Two ledgers with one digest contain the same events.\n" +
			"The server may run; events that it appends meanwhile may be counted. Nothing is changed.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			var err error
			at := c.EventStore
			if cmd.Flags().Changed("at") || namespaceFlag(cmd, "at", engine.EventStore) != "" {
				if at, _, err = endpointOf(cmd, "at", config.EnvPrefix+"EVENTSTORE", engine.EventStore); err != nil {
					return err
				}
			}
			summary, err := inspect.Verify(cmd.Context(), at, c.DataDir, "reading the ledger", cmd.ErrOrStderr())
			if err != nil && !errors.Is(err, event.ErrUnknownType) {
				return fmt.Errorf("verify %s: %w", at, err)
			}
			report := inspect.ReportOf(at, summary)
			return errors.Join(printResult(cmd, report, printLedger), err)
		}),
	}
	endpointFlags(command, "at", "endpoint of the ledger; the configured one by default", engine.EventStore)
	jsonFlag(command)
	return command
}

func printLedger(out io.Writer, r inspect.LedgerReport) error {
	return printTable(out, []string{"LEDGER", r.At}, [][]string{
		{"events", fmt.Sprint(r.Events)}, {"streams", fmt.Sprint(r.Streams)}, {"head", fmt.Sprint(r.Head)}, {"digest", r.Digest},
	})
}
