package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/transfer"
)

func newLedgerCommand() *cobra.Command {
	command := &cobra.Command{Use: "ledger", Short: "Check the ledger itself, or copy it to another engine"}
	command.AddCommand(newLedgerVerifyCommand(), newLedgerCopyCommand())
	return command
}

// locationFlags adds the flags that name a location. A ledger's may be an EventStoreDB.
func locationFlags(command *cobra.Command, flag, usage, defaultSchema string, ofLedger bool) {
	command.Flags().String(flag, "", usage)
	command.Flags().String(flag+schemaSuffix, defaultSchema, "schema of the tables, if --"+flag+" is postgres://…")
	if ofLedger {
		command.Flags().String(flag+prefixSuffix, "", "what begins the names of all streams, if --"+flag+" is esdb://…")
	}
}

const (
	schemaSuffix = "-schema"
	prefixSuffix = "-prefix"
)

// givenLocation takes a location from the flags of [locationFlags], or else from an environment variable, where a password stays out
// of sight; found is false when neither gives one.
func givenLocation(cmd *cobra.Command, flag, variable string, engines ...engine) (l location, found bool, err error) {
	text, _ := cmd.Flags().GetString(flag)
	if holdsSecret(text) {
		return location{}, false, &advice{errors.New("--" + flag + " holds a password, and others can read command lines"), "give it as " + variable}
	}
	if text == "" {
		text = os.Getenv(variable)
	}
	if text == "" {
		if cmd.Flags().Changed(flag+schemaSuffix) || cmd.Flags().Changed(flag+prefixSuffix) {
			return location{}, false, &advice{errors.New("a part of what location?"), "give --" + flag + " or " + variable + " as well"}
		}
		return location{}, false, nil
	}
	l, ok := parseLocation(text, engines...)
	if !ok {
		return location{}, false, &advice{errors.New("--" + flag + " (" + variable + ") is no location of " + engineNames(engines)),
			"for example sqlite:/var/lib/licenseledger/ledger.db or postgres://licenseledger@db.example.com/licenseledger"}
	}
	return l, true, l.readFlags(cmd, flag)
}

// readFlags reads which part of its server a location has.
func (l *location) readFlags(cmd *cobra.Command, flag string) error {
	for _, part := range []struct {
		suffix string
		engine engine
		check  func(string) error
		value  *string
	}{
		{schemaSuffix, enginePostgreSQL, checkSchema, &l.schema},
		{prefixSuffix, engineESDB, checkStreamPrefix, &l.prefix},
	} {
		name := flag + part.suffix
		if l.engine != part.engine {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is for %s://…, but --%s is %s", name, part.engine, flag, l)
			}
			continue
		}
		*part.value, _ = cmd.Flags().GetString(name)
		if err := part.check(*part.value); err != nil {
			return fmt.Errorf("--%s %w", name, err)
		}
	}
	return nil
}

func engineNames(engines []engine) (names string) {
	for i, e := range engines {
		if i > 0 {
			names += ", "
		}
		names += string(e)
	}
	return names
}

// verifyLedger reads a whole ledger with a bar and wants that every event can be understood; each is shown to see. A ledger whose events
// are in their places, but some of a newer version of the program, is read to its end: the error names the first of them, and the summary
// is of all.
func verifyLedger(ctx context.Context, ledger transfer.Ledger, registry *event.Registry, doing string, progress io.Writer, see func(event.Event)) (transfer.Summary, error) {
	head, err := ledger.Head(ctx)
	if err != nil {
		return transfer.Summary{}, err
	}
	bar := newBar(progress, doing, uint64(head))
	defer bar.done()
	var newer error
	summary, err := transfer.Verify(ctx, ledger, func(e event.Envelope) error {
		decoded, err := registry.Decode(e)
		switch {
		case err == nil:
			see(decoded)
		case errors.Is(err, event.ErrUnknownType):
			newer, err = cmp.Or(newer, err), nil
		}
		return err
	}, func(p event.Position) { bar.to(uint64(p)) })
	return summary, cmp.Or(err, newer)
}

// ledgerReport is what a ledger holds.
type ledgerReport struct {
	At      string `json:"at"`
	Events  uint64 `json:"events"`
	Streams int    `json:"streams"`
	Head    uint64 `json:"head"` // engines count positions in different ways
	Digest  string `json:"digest"`
}

func reportOf(at location, s transfer.Summary) ledgerReport {
	return ledgerReport{At: at.String(), Events: s.Events, Streams: s.Streams, Head: uint64(s.Head), Digest: s.Digest}
}

// verifyAt reads the ledger at a location.
func verifyAt(ctx context.Context, at location, dataDir, doing string, progress io.Writer) (_ transfer.Summary, err error) {
	ledger, err := openLedger(ctx, at, dataDir)
	if err != nil {
		return transfer.Summary{}, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	return verifyLedger(ctx, ledger, domain.Events(), doing, progress, func(event.Event) {})
}

// verifyCopy is verifyAt for a ledger that is only copied: whether this version understands every event does not matter.
func verifyCopy(ctx context.Context, at location, dataDir, doing string, progress io.Writer) (transfer.Summary, error) {
	summary, err := verifyAt(ctx, at, dataDir, doing, progress)
	if errors.Is(err, event.ErrUnknownType) {
		err = nil
	}
	return summary, err
}
