package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
)

func newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve the ledger over HTTP",
		Long: "Serve the ledger over HTTP, with everything it needs in the data directory. The first start makes the keys and prints the\n" +
			"admin API key once. SIGTERM or Ctrl-C lets running requests finish, then stops.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := configOf(cmd)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, c config, out, logs io.Writer) error {
	began := time.Now()
	logger := newLogger(c, logs)
	s, err := startServer(ctx, c, logger)
	if err != nil {
		return err
	}
	err = s.announce(ctx, out)
	if err == nil {
		logger.InfoContext(ctx, "ready", "address", s.url(), "after", time.Since(began).Round(time.Millisecond))
		err = s.wait(ctx)
	}
	logger.InfoContext(context.WithoutCancel(ctx), "stopping: requests may finish", "within", c.ShutdownTimeout)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	logger.InfoContext(context.WithoutCancel(ctx), "stopped")
	return nil
}

func newLogger(c config, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the configuration allows the four names only
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// announce tells people where everything is and, on an empty ledger, how to begin.
func (s *server) announce(ctx context.Context, out io.Writer) error {
	text := fmt.Sprintf("Licenseledger serves the ledger in %s\n\n", s.place())
	if s.config.Role == roleProjector {
		_, err := fmt.Fprintf(out, "%s  Health    %s/healthz/ready\n  Metrics   %s/metrics\n", text, s.url(), s.url())
		return err
	}
	text += fmt.Sprintf("  API       %s/v1\n  Docs      %s/docs   %s/redoc\n  Metrics   %s/metrics\n", s.url(), s.url(), s.url(), s.url())
	if s.adminKeyMade {
		text += fmt.Sprintf("\n  Admin key %s\n            shown this once, kept in %s\n", s.adminKey, s.config.in(adminKeyFile))
	}
	head, err := s.stores.events.Head(ctx)
	if err != nil {
		return err
	}
	if head == 0 {
		text += "\nIssue and activate a first licence (bash):\n\n" + s.firstLicense()
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

// place is where the ledger is, for people.
func (s *server) place() string {
	if s.config.EventStore.shared() {
		return s.config.EventStore.String()
	}
	return s.dataDir()
}

func (s *server) dataDir() string {
	absolute, err := filepath.Abs(s.config.DataDir)
	if err != nil {
		return s.config.DataDir
	}
	return absolute
}

// firstLicense is four lines to copy and paste. The key stays out of argument lists, which others could read.
func (s *server) firstLicense() string {
	product := catalog.ProductID(access.DefaultTenant, "my-app")
	key := "$(cat " + filepath.Join(s.dataDir(), adminKeyFile) + ")"
	if s.config.AdminKey != "" {
		key = "$LICENSELEDGER_ADMIN_KEY"
	}
	return fmt.Sprintf(`ll() { curl -sS --json "$2" -H @<(echo "Authorization: Bearer %s") %s/v1/"$1"; echo; }
ll products '{"code":"my-app","name":"My App"}' && ll products/%s/plans '{"code":"pro","name":"Pro","type":"STANDARD","max_machines":2}'
KEY=$(ll licenses '{"product":"my-app","plan":"pro","customer":{"name":"Ada Byron","email":"ada@example.com"}}' | grep -o '"key":"[^"]*"' | cut -d'"' -f4); echo "$KEY"
ll activations '{"license_key":"'"$KEY"'","machine":{"name":"ada-laptop","components":{"cpu":"i9-1","board":"b-42","disk":"d-7"}}}'
`, key, s.url(), product)
}
