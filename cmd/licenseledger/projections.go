package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

func newProjectionsCommand() *cobra.Command {
	command := &cobra.Command{Use: "projections", Short: "Look at the read models and rebuild them"}
	command.AddCommand(newProjectionsListCommand(), newRebuildCommand())
	return command
}

const aboutServer = "Without --server the data directory is opened directly; while a server runs on it, or when the read models are shared,\n" +
	"the server at --listen is asked instead."

func newProjectionsListCommand() *cobra.Command {
	var server string
	var asJSON bool
	command := &cobra.Command{
		Use:   "list",
		Short: "List the projections: where each stands, how far behind, in which state",
		Long:  "List the projections: where each stands, how far behind, in which state.\n" + aboutServer,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withProjections(cmd, server, func(ctx context.Context, p projectionKeeper) error {
				all, err := p.list(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(cmd.OutOrStdout(), all)
				}
				rows := make([][]string, len(all))
				for i, p := range all {
					rows[i] = []string{p.Name, fmt.Sprint(p.Version), fmt.Sprint(p.Position), fmt.Sprint(p.Lag), p.State, p.Error}
				}
				return printTable(cmd.OutOrStdout(), []string{"NAME", "VERSION", "POSITION", "LAG", "STATE", "ERROR"}, rows)
			})
		},
	}
	command.Flags().StringVar(&server, "server", "", "address of a running server, such as http://127.0.0.1:8080")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

func newRebuildCommand() *cobra.Command {
	var server string
	var asJSON bool
	command := &cobra.Command{
		Use:   "rebuild NAME",
		Short: "Make a projection's tables anew from the ledger, beside those that serve",
		Long:  "Make a projection's tables anew from the ledger, beside those that serve, and switch over when they have caught up.\n" + aboutServer,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withProjections(cmd, server, func(ctx context.Context, p projectionKeeper) error {
				began := time.Now()
				done, err := p.rebuild(ctx, args[0], cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				done.Seconds = time.Since(began).Seconds()
				if asJSON {
					return printJSON(cmd.OutOrStdout(), done)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "rebuilt %s up to position %d in %.1f s, checksum %s\n",
					done.Name, done.Position, done.Seconds, done.Checksum)
				return err
			})
		},
	}
	command.Flags().StringVar(&server, "server", "", "address of a running server, such as http://127.0.0.1:8080")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return command
}

// projectionKeeper looks after projections, in this process or in a server.
type projectionKeeper interface {
	list(ctx context.Context) ([]projectionInfo, error)
	rebuild(ctx context.Context, name string, progress io.Writer) (rebuiltInfo, error)
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

// withProjections finds who looks after the projections: the named server, the one that holds the data directory or shares the read
// models, or nobody, in which case this process does it.
func withProjections(cmd *cobra.Command, server string, do func(context.Context, projectionKeeper) error) error {
	c, err := configOf(cmd)
	if err != nil {
		return err
	}
	if server == "" {
		if !c.ReadModels.shared() {
			err := withOwnProjections(cmd.Context(), c, do)
			if !errors.Is(err, errInUse) {
				return err
			}
		}
		server = "http://" + c.Listen
	}
	key, err := c.existingAdminKey()
	if err != nil {
		return err
	}
	return do(cmd.Context(), servedProjections{apiClient{server: server, key: key}})
}

func withOwnProjections(ctx context.Context, c config, do func(context.Context, projectionKeeper) error) (err error) {
	if err := c.existing(); err != nil {
		return err
	}
	logger := slog.New(slog.DiscardHandler)
	s, err := openStores(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	runner, err := s.startProjections(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runner.Close()) }()
	return do(ctx, ownProjections{runner})
}

// servedProjections are looked after by a server.
type servedProjections struct{ client apiClient }

func (s servedProjections) find(ctx context.Context) ([]api.Projection, error) {
	var all api.ProjectionList
	_, err := s.client.call(ctx, http.MethodGet, "/v1/projections", nil, &all)
	return all.Items, err
}

func (s servedProjections) list(ctx context.Context) ([]projectionInfo, error) {
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

func (s servedProjections) rebuild(ctx context.Context, name string, progress io.Writer) (rebuiltInfo, error) {
	if _, err := s.client.call(ctx, http.MethodPost, "/v1/projections/"+name+"/rebuild", nil, nil); err != nil {
		return rebuiltInfo{}, err
	}
	var bar *bar
	defer func() { bar.done() }()
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
					bar = newBar(progress, "rebuilding "+name, p.Progress.Total)
				}
				bar.to(p.Progress.Done)
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
