package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/server"
)

func newDemoCommand() *cobra.Command {
	var address string
	command := &cobra.Command{
		Use:   "demo",
		Short: "Take a licence through its whole life over HTTP, and show the events of every step",
		Long: "Take a licence through its whole life over HTTP: product, plan, issue, activate, validate, rebind, suspend, renew, revoke.\n" +
			"Without --server it runs against a server of its own, with data in a temporary folder that is removed afterwards.\n" +
			"With --server it uses the admin key of the setting admin_key, or of DATA_DIR/admin.key.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			if address == "" {
				return demoOnOwnServer(cmd.Context(), c, cmd.OutOrStdout())
			}
			key, err := adminkey.Load(c.AdminKey, c.AdminKeyFile())
			if err != nil {
				return err
			}
			return runDemo(cmd.Context(), address, key, cmd.OutOrStdout())
		}),
	}
	serverFlag(command, &address)
	return command
}

// demoOnOwnServer runs the demo against a server that exists only for it.
func demoOnOwnServer(ctx context.Context, c config.Config, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "licenseledger-demo-")
	if err != nil {
		return fmt.Errorf("create a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c.Settings, c.Listen = backends.Embedded(folder), "127.0.0.1:0"
	s, err := server.Start(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return runDemo(ctx, s.URL(), s.AdminKey(), out)
}

func runDemo(ctx context.Context, address, key string, out io.Writer) error {
	d, err := newDemo(address, key, out)
	if err != nil {
		return err
	}
	return d.run(ctx)
}
