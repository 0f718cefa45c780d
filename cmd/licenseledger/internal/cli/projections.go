package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/client"
)

func newProjectionsCommand() *cobra.Command {
	command := &cobra.Command{Use: "projections", Short: "List the read models and rebuild them"}
	command.AddCommand(newProjectionsListCommand(), newRebuildCommand())
	return command
}

const aboutServer = "Without --server the data directory is opened directly; while a server runs on it, or when the read models are\n" +
	"shared, the server at --listen is asked instead."

func newProjectionsListCommand() *cobra.Command {
	var server string
	command := &cobra.Command{
		Use:   "list",
		Short: "List the projections: position, lag and state of each",
		Long:  "List the projections: position, lag and state of each.\n" + aboutServer,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withProjections(cmd, server, func(ctx context.Context, p projectionAdmin) error {
				all, err := p.list(ctx)
				if err != nil {
					return err
				}
				return printResult(cmd, all, printProjections)
			})
		},
	}
	serverFlag(command, &server)
	jsonFlag(command)
	return command
}

func newRebuildCommand() *cobra.Command {
	var server string
	command := &cobra.Command{
		Use:   "rebuild NAME",
		Short: "Fill new tables of a projection from the ledger, beside those that serve",
		Long: "Fill new tables of a projection from the ledger, beside those that serve, and switch over when they have caught up.\n" +
			aboutServer,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withProjections(cmd, server, func(ctx context.Context, p projectionAdmin) error {
				began := time.Now()
				done, err := p.rebuild(ctx, args[0], cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				done.Seconds = time.Since(began).Seconds()
				return printResult(cmd, done, printRebuilt)
			})
		},
	}
	serverFlag(command, &server)
	jsonFlag(command)
	return command
}

func printProjections(out io.Writer, all []projectionInfo) error {
	rows := make([][]string, len(all))
	for i, p := range all {
		rows[i] = []string{p.Name, fmt.Sprint(p.Version), fmt.Sprint(p.Position), fmt.Sprint(p.Lag), p.State, p.Error}
	}
	return printTable(out, []string{"NAME", "VERSION", "POSITION", "LAG", "STATE", "ERROR"}, rows)
}

func printRebuilt(out io.Writer, r rebuiltInfo) error {
	_, err := fmt.Fprintf(out, "rebuilt %s up to position %d in %.1f s, checksum %s\n", r.Name, r.Position, r.Seconds, r.Checksum)
	return err
}

// projectionAdmin lists and rebuilds projections, in this process or through a server.
type projectionAdmin interface {
	list(ctx context.Context) ([]projectionInfo, error)
	rebuild(ctx context.Context, name string, out io.Writer) (rebuiltInfo, error)
}

type projectionInfo struct {
	Name     string `json:"name"`
	Version  int    `json:"version"`
	Position uint64 `json:"position"`
	Lag      uint64 `json:"lag"`
	State    string `json:"state"`
	Error    string `json:"error,omitempty"`
}

type rebuiltInfo struct {
	Name     string  `json:"name"`
	Position uint64  `json:"position"`
	Checksum string  `json:"checksum"`
	Seconds  float64 `json:"seconds"`
}

// withProjections works through the named server, or the one that uses the data directory or shares the read models. If there is none,
// it works in this process.
func withProjections(cmd *cobra.Command, server string, do func(context.Context, projectionAdmin) error) error {
	c, err := configOf(cmd)
	if err != nil {
		return err
	}
	if server == "" {
		if !c.ReadModels.Shared() {
			err := withOwnProjections(cmd.Context(), c, do)
			if !errors.Is(err, backends.ErrInUse) {
				return err
			}
		}
	}
	client, err := newAdminClient(c, server)
	if err != nil {
		return err
	}
	return do(cmd.Context(), remoteProjections{client})
}

func withOwnProjections(ctx context.Context, c config.Config, do func(context.Context, projectionAdmin) error) (err error) {
	if err := backends.RequireLedger(c.EventStore, c.DataDir); err != nil {
		return err
	}
	logger := slog.New(slog.DiscardHandler)
	s, err := backends.Open(ctx, c.Settings, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	runner, err := s.StartProjections(ctx, c.Settings, c.Role == config.RoleAPI, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runner.Close()) }()
	return do(ctx, ownProjections{runner})
}

// remoteProjections belong to a server.
type remoteProjections struct{ client *client.Client }

func (s remoteProjections) find(ctx context.Context) ([]api.Projection, error) {
	all, _, err := answer[api.ProjectionList](s.client.ListProjections(ctx, nil))
	return all.Items, err
}

func (s remoteProjections) list(ctx context.Context) ([]projectionInfo, error) {
	found, err := s.find(ctx)
	all := make([]projectionInfo, len(found))
	for i, p := range found {
		all[i] = projectionInfo{Name: p.Name, Version: p.Version, Position: p.Position, Lag: p.Lag, State: string(p.State)}
		if p.Error != nil {
			all[i].Error = *p.Error
		}
	}
	return all, err
}

// pollInterval is how often a server is asked how far a rebuild has come.
const pollInterval = 200 * time.Millisecond

func (s remoteProjections) rebuild(ctx context.Context, name string, out io.Writer) (rebuiltInfo, error) {
	if _, _, err := answer[json.RawMessage](s.client.RebuildProjection(ctx, name, nil)); err != nil {
		return rebuiltInfo{}, err
	}
	var bar *progress.Bar
	defer func() { bar.Done() }()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		found, err := s.find(ctx)
		if err != nil {
			return rebuiltInfo{}, err
		}
		for _, p := range found {
			if p.Name != name {
				continue
			}
			if p.State != api.REBUILDING {
				return rebuilt(p)
			}
			if p.Progress != nil {
				if bar == nil {
					bar = progress.New(out, "rebuilding "+name, p.Progress.Total)
				}
				bar.Set(p.Progress.Done)
			}
		}
		select {
		case <-ctx.Done():
			return rebuiltInfo{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

func rebuilt(p api.Projection) (rebuiltInfo, error) {
	if p.Error != nil && *p.Error != "" {
		return rebuiltInfo{}, fmt.Errorf("rebuild %s: %s", p.Name, *p.Error)
	}
	info := rebuiltInfo{Name: p.Name, Position: p.Position}
	if p.Checksum != nil && p.ChecksumPosition != nil {
		info.Checksum, info.Position = *p.Checksum, *p.ChecksumPosition
	}
	return info, nil
}
