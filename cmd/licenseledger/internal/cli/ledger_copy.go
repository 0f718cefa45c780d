package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/relocate"
)

func newLedgerCopyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "copy --from ENDPOINT --to ENDPOINT",
		Short: "Copy the ledger to another place, on any engine",
		Long: "Copy every event to another ledger: same order, ids, revisions, times and bytes. Stop every server that writes to either of\n" +
			"them first: what is appended to the source later is not copied, and nobody else may write to the target.\n\n" +
			"An interrupted copy continues when it is started again. What the target contains already must be how the source begins;\n" +
			"otherwise nothing is written and the first event that differs is named. At the end the target is read back, and the digests of\n" +
			"both sides must be the same. The source is only read. The target is the same installation in a new epoch: engines count\n" +
			"positions in different ways, and once the target was served, the source is not served with the same keys any more.\n\n" +
			"The keys are not part of the ledger. Where read models move to another database, `licenseledger keys copy` takes the keys along.\n\n" +
			"An endpoint with a password is not taken from the command line: give it as " +
			config.CopyFromVariable + " or " + config.CopyToVariable + ".\n" +
			"A relative path of a SQLite file is in the data directory. The parts of servers that several ledgers share are named by\n" +
			"--from-schema and --to-schema (PostgreSQL), --from-prefix and --to-prefix (EventStoreDB); what is configured for the server\n" +
			"has no influence on a copy.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			plan, err := planOf(cmd, c, engine.EventStore)
			if err != nil {
				return err
			}
			report, err := relocate.Ledger(cmd.Context(), plan, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return printResult(cmd, report, printCopy)
		}),
	}
	endpointFlags(command, "from", "endpoint of the source ("+config.CopyFromVariable+")", engine.EventStore)
	endpointFlags(command, "to", "endpoint of the target ("+config.CopyToVariable+")", engine.EventStore)
	jsonFlag(command)
	return command
}

// planOf reads from where to where something is copied.
func planOf(cmd *cobra.Command, c config.Config, part engine.Part) (p relocate.Plan, err error) {
	p.DataDir = c.DataDir
	var isFrom, isTo bool
	if p.From, isFrom, err = endpointOf(cmd, "from", config.CopyFromVariable, part); err != nil {
		return p, err
	}
	if p.To, isTo, err = endpointOf(cmd, "to", config.CopyToVariable, part); err != nil {
		return p, err
	}
	if !isFrom || !isTo {
		return p, hint.New(errors.New("from where to where?"), "give --from and --to, or "+config.CopyFromVariable+" and "+config.CopyToVariable)
	}
	return p, p.Check()
}

func printCopy(out io.Writer, r relocate.Report) error {
	if err := printTable(out, []string{"", "EVENTS", "STREAMS", "HEAD", "DIGEST"}, [][]string{
		{r.From.At, fmt.Sprint(r.From.Events), fmt.Sprint(r.From.Streams), fmt.Sprint(r.From.Head), r.From.Digest},
		{r.To.At, fmt.Sprint(r.To.Events), fmt.Sprint(r.To.Streams), fmt.Sprint(r.To.Head), r.To.Digest},
	}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "the same: %d events were there, %d were copied, in %s\n", r.Present, r.Appended,
		r.Took.Round(time.Millisecond))
	return err
}
