// Package cli is the command line: one file per command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version"
)

// Stdio is where the program reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Run carries out one command line. It prints its own error, with a hint if there is one.
func Run(ctx context.Context, args []string, std Stdio) error {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, hint.ErrReported) {
		_, _ = fmt.Fprintln(std.Err, "licenseledger: "+err.Error())
		if text := hint.Of(err); text != "" {
			_, _ = fmt.Fprintln(std.Err, "  "+text)
		}
	}
	return err
}

// configOf loads the configuration of a command line and prints a warning for each deprecated name in it.
func configOf(cmd *cobra.Command) (config.Config, error) {
	c, err := config.Load(cmd.Flags(), os.Environ())
	for _, warning := range c.Warnings {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "licenseledger: warning: "+warning)
	}
	return c, err
}

// withConfig carries a command out with its configuration.
func withConfig(run func(*cobra.Command, config.Config, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := configOf(cmd)
		if err != nil {
			return err
		}
		return run(cmd, c, args)
	}
}

func newRoot(std Stdio) *cobra.Command {
	root := &cobra.Command{
		Use:     "licenseledger",
		Version: version.Current().String(),
		Short:   "An event-sourced licence ledger",
		Long: "Licenseledger issues machine-bound software licences. Every change is an event in an append-only ledger;\nread " +
			"models are derived from it. One binary, no other service needed.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return config.UnknownFlag(err, cmd.Flags()) })
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	root.PersistentFlags().AddFlagSet(config.Flags())
	root.AddCommand(
		newServeCommand(), newDemoCommand(), newConfigCommand(), newLedgerCommand(), newKeysCommand(), newBackupCommand(), newRestoreCommand(),
		newDoctorCommand(), newHealthcheckCommand(),
		newInstallationCommand(), newFsckCommand(), newProjectionsCommand(), newLicensesCommand(), newCertificateCommand(), newVersionCommand(),
	)
	return root
}
