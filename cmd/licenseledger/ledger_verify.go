package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
)

func newLedgerVerifyCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "verify",
		Short: "Read the whole ledger and tell its digest",
		Long: "Read the whole ledger, check that positions and revisions have no gap and every event can be read, and tell how much there\n" +
			"is and its digest: SHA-256 over every event in order, whatever engine keeps it. Two ledgers with one digest hold the same.\n" +
			"The server may run; events that it appends meanwhile may be counted. Nothing is changed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			at := c.EventStore
			if flags := cmd.Flags(); flags.Changed("at") || flags.Changed("at"+schemaSuffix) || flags.Changed("at"+prefixSuffix) {
				if at, _, err = givenLocation(cmd, "at", envPrefix+"EVENTSTORE", engineSQLite, enginePostgreSQL, engineESDB); err != nil {
					return err
				}
			}
			summary, err := verifyAt(cmd.Context(), at, c.DataDir, "reading the ledger", cmd.ErrOrStderr())
			if err != nil && !errors.Is(err, event.ErrUnknownType) {
				return fmt.Errorf("verify %s: %w", at, err)
			}
			report := reportOf(at, summary)
			if asJSON {
				return errors.Join(printJSON(cmd.OutOrStdout(), report), err)
			}
			return errors.Join(report.print(cmd.OutOrStdout()), err)
		},
	}
	locationFlags(command, "at", "location of the ledger; the configured one by default", postgres.DefaultSchema, true)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func (r ledgerReport) print(out io.Writer) error {
	return printTable(out, []string{"LEDGER", r.At}, [][]string{
		{"events", fmt.Sprint(r.Events)}, {"streams", fmt.Sprint(r.Streams)}, {"head", fmt.Sprint(r.Head)}, {"digest", r.Digest},
	})
}
