// Package server wires the program together and runs it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/service"
	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
)

// Server is the whole program, wired together and running.
type Server struct {
	config          config.Config
	logger          *slog.Logger
	adminKey        string
	adminKeyCreated bool // on this start

	backends    *backends.Backends
	clock       *clock.Clock
	ledger      *watchedLedger
	handler     *commands.Handler
	metrics     *prometheus.Registry
	projections *projectionService
	http        *httpService
	services    *service.Group

	failed chan error   // what must end the server
	close  func() error // runs once
}

// expiryInterval is how often due expiries and lapsed leases are recorded. Decisions do not depend on it.
const expiryInterval = 500 * time.Millisecond

// Start opens everything that is configured, starts all services and listens.
func Start(ctx context.Context, c config.Config, logger *slog.Logger) (_ *Server, err error) {
	s := &Server{config: c, logger: logger, metrics: prometheus.NewRegistry(), services: service.NewGroup(), failed: make(chan error, 2)}
	s.close = sync.OnceValue(s.shutDown)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.backends, err = backends.Open(ctx, c.Settings, logger); err != nil {
		return nil, err
	}
	if s.adminKey, s.adminKeyCreated, err = adminkey.LoadOrCreate(c.AdminKey, c.AdminKeyFile()); err != nil {
		return nil, err
	}
	if c.ReadModels.Shared() && c.AdminKey == "" {
		logger.WarnContext(ctx, "the admin key is this instance's own, in its data directory; set LICENSELEDGER_ADMIN_KEY to one for all "+
			"instances")
	}
	if err := s.openHandler(ctx); err != nil {
		return nil, err
	}
	s.projections = &projectionService{backends: s.backends, settings: c.Settings, standby: c.Role == config.RoleAPI, logger: logger}
	s.http = &httpService{
		address: c.Listen, handler: s.api, newID: backends.NewID, shutdownTimeout: c.ShutdownTimeout, logger: logger,
		failed: func(err error) { s.failed <- err }, draining: make(chan struct{}),
	}
	s.services = service.NewGroup(s.background()...)
	return s, s.services.Start(ctx)
}

// background lists the services in the order of their start. A new service is a new entry.
func (s *Server) background() []service.Service {
	services := []service.Service{s.projections}
	if s.config.EventStore.Shared() {
		services = append(services, service.NewLoop("read index", func(ctx context.Context) { s.handler.RunReadIndex(ctx, s.logger) }))
	}
	return append(services,
		service.NewLoop("expiry scheduler", s.expiryScheduler().Run),
		service.NewLoop("ledger watch", s.watchLedger),
		s.http,
	)
}

// openHandler makes the handler of commands, with its clock and its cache.
func (s *Server) openHandler(ctx context.Context) error {
	cache, err := s.backends.OpenCache(s.config.Settings, s.metrics, s.logger)
	if err != nil {
		return err
	}
	s.clock = clock.New(clock.Config{Wall: time.Now, Elapsed: clock.Elapsed(), Settle: s.config.ClockSettle, Log: s.logger})
	s.ledger = &watchedLedger{Store: s.backends.Events, now: time.Now}
	commandMetrics := commands.NewMetrics()
	s.handler, err = commands.New(ctx, commands.Config{
		Store: s.ledger, Events: s.backends.Registry, Keyring: s.backends.Keys,
		Now: s.clock.Now, NewID: backends.NewID, Issuer: s.config.Issuer, CachedLicenses: s.config.LicenseCacheSize,
		Shared: s.config.EventStore.Shared(), Cache: cache, Observe: commandMetrics.Observe,
	})
	if err != nil {
		return err
	}
	s.clock.Compare(s.handler.LedgerTime)
	s.metrics.MustRegister(commandMetrics, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		s.clock.Metrics(), newLogSizes(s.config.Files()))
	return nil
}

// api makes the handler of HTTP requests. The projections must run.
func (s *Server) api() (http.Handler, error) {
	s.metrics.MustRegister(s.projections.runner.Metrics())
	return httpapi.New(httpapi.Config{
		Commands: s.handler, ReadModels: s.backends.ReadModels, Ledger: s.backends.Events, Epoch: s.backends.Epoch.ID,
		Projections: s.projections.runner, AdminKey: s.adminKey,
		WithoutAPI: s.config.Role == config.RoleProjector, WithoutDocs: s.config.Docs == "off",
		Ready: s.checks(), Draining: s.http.draining, Now: time.Now, NewID: backends.NewID, Log: s.logger, Registry: s.metrics,
		MaxStreams: s.config.MaxStreams, MaxStreamsPerPrincipal: s.config.MaxStreamsPerPrincipal,
	})
}

func (s *Server) expiryScheduler() *runtime.Scheduler {
	return &runtime.Scheduler{
		Due: s.due, Now: s.handler.Now, Trusted: s.clock.Trusted, Every: expiryInterval, Logger: s.logger,
		Record: func(ctx context.Context, id uuid.UUID) error {
			_, err := s.handler.Licensing.RecordDue(ctx, runtime.Request{}, licensing.RecordDue{LicenseID: id})
			return err
		},
	}
}

// due names the licences with a due expiry or lapsed lease. Only the owner of the projection that knows them does so.
func (s *Server) due(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	if !s.projections.runner.Owns(licenses.Definition.Name) {
		return nil, nil
	}
	expired, err := licenses.New(s.backends.ReadModels).Expired(ctx, now, limit)
	if err != nil {
		return nil, err
	}
	lapsed, err := machines.New(s.backends.ReadModels).Lapsed(ctx, now, limit)
	return append(expired, lapsed...), err
}

// URL is where the server can be reached from this machine.
func (s *Server) URL() string { return s.http.url() }

// AdminKey is the admin API key.
func (s *Server) AdminKey() string { return s.adminKey }

// Wait returns when ctx ends, or earlier with what ended the server.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return fmt.Errorf("serve: %w", err)
	}
}

// Close lets running requests finish within the configured time, then stops everything, last started first.
func (s *Server) Close() error { return s.close() }

func (s *Server) shutDown() error {
	err := s.services.Stop()
	if s.backends != nil {
		err = errors.Join(err, s.backends.Close())
	}
	return err
}
