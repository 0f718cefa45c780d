package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func newDemoCommand() *cobra.Command {
	var server string
	command := &cobra.Command{
		Use:   "demo",
		Short: "Take a licence through its whole life over HTTP, and show the events of every step",
		Long: "Take a licence through its whole life over HTTP: product, plan, issue, activate, validate, rebind, suspend, renew, revoke.\n" +
			"Without --server it runs against a server of its own, with data in a temporary folder that is removed afterwards.\n" +
			"With --server it uses the admin key of the setting admin_key, or of DATA_DIR/admin.key.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			if server == "" {
				return demoOnOwnServer(cmd.Context(), c, cmd.OutOrStdout())
			}
			key, err := c.existingAdminKey()
			if err != nil {
				return err
			}
			return newDemo(apiClient{server: server, key: key}, cmd.OutOrStdout()).play(cmd.Context())
		},
	}
	command.Flags().StringVar(&server, "server", "", "address of a running server, such as http://127.0.0.1:8080")
	return command
}

// existingAdminKey returns the key to use against a running server.
func (c config) existingAdminKey() (string, error) {
	if c.AdminKey != "" {
		return c.AdminKey, nil
	}
	text, err := os.ReadFile(c.in(adminKeyFile))
	if err != nil {
		return "", &advice{fmt.Errorf("find the admin key: %w", err), "set LICENSELEDGER_ADMIN_KEY, or give the server's --data-dir"}
	}
	return strings.TrimSpace(string(text)), nil
}

// existing reports whether there is a ledger; only one in a file can be missing without an error.
func (c config) existing() error { return existing(c.EventStore, c.DataDir) }

func existing(l location, dataDir string) error {
	if l.shared() {
		return nil
	}
	file := l.file(dataDir)
	if _, err := os.Stat(file); err != nil {
		absolute, _ := filepath.Abs(filepath.Dir(file))
		return &advice{fmt.Errorf("there is no ledger in %s", absolute), "name the server's data directory with --data-dir"}
	}
	return nil
}

// demoOnOwnServer plays the demo against a server that exists only for it.
func demoOnOwnServer(ctx context.Context, c config, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "licenseledger-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	c.DataDir, c.Listen, c.MasterKey = folder, "127.0.0.1:0", ""
	c.EventStore, c.ReadModels = location{engine: engineSQLite, text: "sqlite:ledger.db"}, location{engine: engineSQLite, text: "sqlite:readmodels.db"}
	c.Keys = location{engine: engineSQLite, text: "sqlite:" + keysFile}
	s, err := startServer(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return newDemo(apiClient{server: s.url(), key: s.adminKey}, out).play(ctx)
}
