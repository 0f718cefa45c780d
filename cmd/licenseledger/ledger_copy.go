package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/eventstore/transfer"
)

const (
	copyFromVariable = envPrefix + "COPY_FROM"
	copyToVariable   = envPrefix + "COPY_TO"
)

func newLedgerCopyCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "copy --from LOCATION --to LOCATION",
		Short: "Copy the ledger to another place, on any engine",
		Long: "Copy every event to another ledger: same order, ids, revisions, times and bytes. Stop every server that writes to either of\n" +
			"them first: what is appended to the source later is not copied, and nobody else may write to the target.\n\n" +
			"A copy that was broken off goes on when it is started again. What the target holds already must be how the source begins;\n" +
			"otherwise nothing is written and the first event that differs is named. At the end the target is read back, and the digests of\n" +
			"both sides must be the same. The source is only read. The target is the same installation in a new epoch: engines count positions in\n" +
			"different ways, and once the target was served, the source is not served with the same keys any more.\n\n" +
			"The keys are not part of the ledger. Where read models move to another database, `licenseledger keys copy` takes the keys along.\n\n" +
			"A location with a password is not taken from the command line: give it as " + copyFromVariable + " or " + copyToVariable + ".\n" +
			"A relative path of a SQLite file is in the data directory. The parts of servers that several ledgers share are named by\n" +
			"--from-schema and --to-schema (PostgreSQL), --from-prefix and --to-prefix (EventStoreDB); what is configured for the server\n" +
			"has no influence on a copy.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			route, err := routeOf(cmd, c, engineSQLite, enginePostgreSQL, engineESDB)
			if err != nil {
				return err
			}
			report, err := copyLedger(cmd.Context(), route, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			return report.print(cmd.OutOrStdout())
		},
	}
	locationFlags(command, "from", "location of the source ("+copyFromVariable+")", postgres.DefaultSchema, true)
	locationFlags(command, "to", "location of the target ("+copyToVariable+")", postgres.DefaultSchema, true)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// route is from where to where something is copied.
type route struct {
	from, to location
	dataDir  string // relative paths are in it
}

func routeOf(cmd *cobra.Command, c config, engines ...engine) (r route, err error) {
	r.dataDir = c.DataDir
	var isFrom, isTo bool
	if r.from, isFrom, err = givenLocation(cmd, "from", copyFromVariable, engines...); err != nil {
		return r, err
	}
	if r.to, isTo, err = givenLocation(cmd, "to", copyToVariable, engines...); err != nil {
		return r, err
	}
	if !isFrom || !isTo {
		return r, &advice{errors.New("from where to where?"), "give --from and --to, or " + copyFromVariable + " and " + copyToVariable}
	}
	if r.from == r.to || (!r.from.shared() && !r.to.shared() && r.from.file(r.dataDir) == r.to.file(r.dataDir)) {
		return r, errors.New("the source is the target")
	}
	return r, nil
}

// lock keeps servers off the folders of files. A source whose folder was never locked was never served, and stays without a lock.
func (r route) lock() (unlock func() error, err error) {
	folders := map[string]bool{} // whether to make the folder and its lock
	if !r.from.shared() {
		folders[filepath.Dir(r.from.file(r.dataDir))] = false
	}
	if !r.to.shared() {
		folders[filepath.Dir(r.to.file(r.dataDir))] = true
	}
	var unlocks []func() error
	unlock = func() error {
		var all error
		for _, u := range unlocks {
			all = errors.Join(all, u())
		}
		return all
	}
	for folder, target := range folders {
		if target {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return nil, errors.Join(err, unlock())
			}
		} else if _, err := os.Stat(filepath.Join(folder, lockFile)); err != nil {
			continue
		}
		u, err := lockFolder(folder)
		if err != nil {
			return nil, errors.Join(err, unlock())
		}
		unlocks = append(unlocks, u)
	}
	return unlock, nil
}

// copyReport is what a copy did.
type copyReport struct {
	From     ledgerReport  `json:"from"`
	To       ledgerReport  `json:"to"`
	Present  uint64        `json:"present"` // events that the target held already
	Appended uint64        `json:"appended"`
	Took     time.Duration `json:"took_ns"`
}

func copyLedger(ctx context.Context, r route, progress io.Writer) (report copyReport, err error) {
	began := time.Now()
	unlock, err := r.lock()
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	copied, err := r.appendMissing(ctx, progress)
	switch {
	case errors.Is(err, transfer.ErrDifferent):
		return report, &advice{err, "nothing was changed; choose an empty target, or one that such a copy was begun in"}
	case err != nil:
		return report, advised(err, "run the same command again: it goes on where it ended")
	}
	written, err := verifyCopy(ctx, r.to, r.dataDir, "comparing", progress)
	if err != nil {
		return report, advised(fmt.Errorf("read back the target: %w", err), "run the same command again: what was copied is compared again")
	}
	if written.Digest != copied.Source.Digest || written.Events != copied.Source.Events {
		return report, &advice{
			fmt.Errorf("the target is not a copy: %d events with the digest %s, of %d with %s", written.Events, written.Digest, copied.Source.Events, copied.Source.Digest),
			"somebody else wrote to the target meanwhile: start again with an empty one",
		}
	}
	return copyReport{
		From: reportOf(r.from, copied.Source), To: reportOf(r.to, written),
		Present: copied.Present, Appended: copied.Source.Events - copied.Present, Took: time.Since(began),
	}, nil
}

// advised adds what to do next, unless the error knows that already.
func advised(err error, hint string) error {
	var knows *advice
	if errors.As(err, &knows) {
		return err
	}
	return &advice{err, hint}
}

// appendMissing brings to the target what it lacks.
func (r route) appendMissing(ctx context.Context, progress io.Writer) (_ transfer.Copied, err error) {
	source, err := openLedger(ctx, r.from, r.dataDir)
	if err != nil {
		return transfer.Copied{}, fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	head, err := source.Head(ctx)
	if err != nil {
		return transfer.Copied{}, fmt.Errorf("the source: %w", err)
	}
	target, err := openEvents(ctx, r.to, r.dataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return transfer.Copied{}, fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	epochs, err := source.Epochs(ctx)
	if err != nil {
		return transfer.Copied{}, fmt.Errorf("the source: %w", err)
	}
	bar := newBar(progress, "copying", uint64(head))
	defer bar.done()
	copied, err := transfer.Copy(ctx, source, target, func(p event.Position) { bar.to(uint64(p)) })
	if err != nil {
		return copied, err
	}
	return copied, transfer.CopyEpochs(ctx, epochs, target, newID(), time.Now())
}

func (r copyReport) print(out io.Writer) error {
	if err := printTable(out, []string{"", "EVENTS", "STREAMS", "HEAD", "DIGEST"}, [][]string{
		{r.From.At, fmt.Sprint(r.From.Events), fmt.Sprint(r.From.Streams), fmt.Sprint(r.From.Head), r.From.Digest},
		{r.To.At, fmt.Sprint(r.To.Events), fmt.Sprint(r.To.Streams), fmt.Sprint(r.To.Head), r.To.Digest},
	}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "the same: %d events were there, %d were copied, in %s\n", r.Present, r.Appended, r.Took.Round(time.Millisecond))
	return err
}
