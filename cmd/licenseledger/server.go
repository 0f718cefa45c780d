package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/httpapi"
	"github.com/licenseledger/licenseledger/httpapi/health"
	"github.com/licenseledger/licenseledger/projections"
	"github.com/licenseledger/licenseledger/readmodels"
)

// server is the whole program, wired together and running.
type server struct {
	config       config
	logger       *slog.Logger
	adminKey     string
	adminKeyMade bool // on this start

	stores      *stores
	projections *projections.Runner
	listener    net.Listener
	http        *http.Server
	served      chan error    // what ended the HTTP server
	draining    chan struct{} // closed when the server begins to shut down
	stopTasks   context.CancelFunc
	tasks       sync.WaitGroup // in the background, for as long as the server runs
	close       func() error   // runs once
}

// Timeouts of the HTTP server. How long a request may take is the handlers' matter; these keep idle and slow clients from
// holding connections.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// timekeeping is how often what time brings about is recorded. Decisions do not depend on it.
const timekeeping = 500 * time.Millisecond

// startServer opens the data directory, starts everything and listens.
func startServer(ctx context.Context, c config, logger *slog.Logger) (_ *server, err error) {
	s := &server{config: c, logger: logger, served: make(chan error, 1), draining: make(chan struct{}), stopTasks: func() {}}
	s.close = sync.OnceValue(s.shutDown)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.stores, err = openStores(ctx, c, logger); err != nil {
		return nil, err
	}
	if s.adminKey, s.adminKeyMade, err = c.adminKey(); err != nil {
		return nil, err
	}
	metrics := prometheus.NewRegistry()
	cache, err := s.stores.openCache(c, metrics, logger)
	if err != nil {
		return nil, err
	}
	if c.ReadModels.shared() && c.AdminKey == "" {
		logger.WarnContext(ctx, "the admin key is this instance's own, kept in its data directory; set LICENSELEDGER_ADMIN_KEY to one for all instances")
	}
	handler, err := commands.New(ctx, commands.Config{
		Store: s.stores.events, Events: s.stores.registry, Keyring: s.stores.keys,
		Now: time.Now, NewID: newID, Issuer: c.Issuer, CachedLicenses: c.CachedLicenses,
		Shared: c.EventStore.shared(), Cache: cache,
	})
	if err != nil {
		return nil, err
	}
	if s.projections, err = s.stores.startProjections(ctx, c, logger); err != nil {
		return nil, err
	}
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		s.projections.Metrics(), newLogSizes(c.sqliteFiles()))
	api, err := httpapi.New(httpapi.Config{
		Commands: handler, ReadModels: s.stores.readModels, Ledger: s.stores.events, Projections: s.projections,
		AdminKey: s.adminKey, WithoutAPI: c.Role == roleProjector, Ready: s.checks(), Draining: s.draining, Now: time.Now, NewID: newID, Log: logger, Registry: metrics,
		MaxStreams: c.MaxStreams, MaxStreamsPerPrincipal: c.MaxStreamsPerPrincipal,
	})
	if err != nil {
		return nil, err
	}
	var listen net.ListenConfig
	if s.listener, err = listen.Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, &advice{fmt.Errorf("listen: %w", err), "choose another address with --listen"}
	}
	s.http = &http.Server{
		Handler: api, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	s.http.RegisterOnShutdown(func() { close(s.draining) })
	go func() { s.served <- s.http.Serve(s.listener) }()
	s.startTasks(handler, logger)
	return s, nil
}

// checks are what must work for the server to be ready.
func (s *server) checks() []health.Check {
	return []health.Check{
		{Name: "ledger", Do: func(ctx context.Context) error {
			_, err := s.stores.events.Head(ctx)
			return err
		}},
		{Name: "readmodels", Do: s.stores.readModels.Ping},
	}
}

// newID makes time-ordered ids, so that what happens together stands together.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (s *server) startTasks(handler *commands.Handler, logger *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	s.stopTasks = stop
	keeper := commands.Timekeeper{Handler: handler, Due: s.due, Every: timekeeping, Logger: logger}
	s.tasks.Go(func() { keeper.Run(ctx) })
	s.tasks.Go(func() { handler.Follow(ctx, logger) })
}

// due names the licences for which something is due, on the one instance that keeps what tells so.
func (s *server) due(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	if !s.projections.Keeps(readmodels.Licenses) {
		return nil, nil
	}
	return s.stores.readModels.DueLicenses(ctx, now, limit)
}

// url is where the server can be reached from this machine.
func (s *server) url() string { return "http://" + s.listener.Addr().String() }

// wait returns when ctx ends, or earlier with what ended the HTTP server.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.served:
		return fmt.Errorf("serve HTTP: %w", err)
	}
}

// Close lets running requests finish within the configured time, then stops everything, last started first.
func (s *server) Close() error { return s.close() }

func (s *server) shutDown() error {
	var all error
	if s.http != nil {
		all = s.drain()
	}
	s.stopTasks()
	s.tasks.Wait()
	if s.projections != nil {
		all = errors.Join(all, s.projections.Close())
	}
	if s.stores != nil {
		all = errors.Join(all, s.stores.Close())
	}
	return all
}

// drain lets running requests finish. Clients that take longer than they may are cut off, which is no failure: nothing that was
// acknowledged is lost, and what was not is repeated elsewhere.
func (s *server) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.DrainTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.logger.Warn("requests did not finish within the drain timeout; their connections are cut", "drain_timeout", s.config.DrainTimeout)
	return s.http.Close()
}
