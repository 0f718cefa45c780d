// Command licenseledger is the licence ledger: one binary that serves it, and the tools to look after it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/migrations"
)

// stdio is where the program reads and writes, so that tests can run it.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	syscall.Umask(0o077) // whatever is written may hold personal data: it is for the owner only
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// run carries out one command line. It prints its own error, with what to do next where it knows.
func run(ctx context.Context, args []string, std stdio) error {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errReported) {
		_, _ = fmt.Fprintln(std.err, "licenseledger: "+err.Error())
		if hint := hintOn(err); hint != "" {
			_, _ = fmt.Fprintln(std.err, "  "+hint)
		}
	}
	return err
}

// hintOn is what to do about an error; empty when that is not known.
func hintOn(err error) string {
	if errors.Is(err, migrations.ErrNewerDatabase) || errors.Is(err, event.ErrUnknownType) {
		return adviceOnNewer
	}
	var advised *advice
	if errors.As(err, &advised) {
		return advised.hint
	}
	return ""
}

// errReported marks a failure whose story is told already.
var errReported = errors.New("reported")

// advice is an error that knows what to do next.
type advice struct {
	error
	hint string
}

func (a *advice) Unwrap() error { return a.error }

func newRoot(std stdio) *cobra.Command {
	root := &cobra.Command{
		Use:           "licenseledger",
		Short:         "An event-sourced licence ledger",
		Long:          "Licenseledger issues machine-bound software licences. Every change is an event in an append-only ledger;\nwhat a screen shows is projected from it. One binary, no other service needed.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.PersistentFlags().AddFlagSet(configFlags())
	root.AddCommand(
		newServeCommand(), newDemoCommand(), newConfigCommand(), newLedgerCommand(), newKeysCommand(), newBackupCommand(), newRestoreCommand(), newDoctorCommand(),
		newInstallationCommand(), newFsckCommand(), newProjectionsCommand(), newLicensesCommand(), newCertificateCommand(),
	)
	return root
}
