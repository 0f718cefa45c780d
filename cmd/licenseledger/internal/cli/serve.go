package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hardening"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/server"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/version"
)

func newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve the ledger over HTTP",
		Long: "Serve the ledger over HTTP, with everything it needs in the data directory. The first start creates the keys and prints the\n" +
			"admin API key once, to a terminal only; it is in DATA_DIR/admin.key. SIGTERM or Ctrl-C lets running requests finish, then stops.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			return serve(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
}

// serve runs a server until ctx ends.
func serve(ctx context.Context, c config.Config, out, logs io.Writer) error {
	began := time.Now()
	logger := newLogger(c, logs)
	if err := hardening.Process(); err != nil {
		logger.WarnContext(ctx, "the memory of the process is not closed to others", "error", err)
	}
	if config.BeyondLoopback(c.Listen) {
		logger.WarnContext(ctx, "other machines can reach the server, without TLS: "+config.TLSHint, "listen", c.Listen)
	}
	s, err := server.Start(ctx, c, logger)
	if err != nil {
		return err
	}
	err = s.PrintBanner(ctx, out)
	if err == nil {
		logger.InfoContext(ctx, "ready", "version", version.Current().Version, "address", s.URL(), "after",
			time.Since(began).Round(time.Millisecond))
		err = s.Wait(ctx)
	}
	logger.InfoContext(context.WithoutCancel(ctx), "stopping: requests may finish", "within", c.ShutdownTimeout)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	logger.InfoContext(context.WithoutCancel(ctx), "stopped")
	return nil
}

func newLogger(c config.Config, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the configuration allows the four names only
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
