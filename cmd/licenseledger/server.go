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

	"github.com/licenseledger/licenseledger/clock"
	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/httpapi"
	projection "github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels"
)

// server is the whole program, wired together and running.
type server struct {
	config       config
	logger       *slog.Logger
	adminKey     string
	adminKeyMade bool // on this start

	stores      *stores
	clock       *clock.Clock
	projections *projection.Runner
	listener    net.Listener
	http        *http.Server
	served      chan error    // what ended the HTTP server, or must end it
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

// witnessInterval is how often the keys take note of the ledger's head.
const witnessInterval = 2 * time.Second

// catchUpTimeout bounds how long a stop waits for the projections to reach the ledger's head, and for the keys to take note of it.
const catchUpTimeout = 5 * time.Second

// expiryInterval is how often what time brings about is recorded. Decisions do not depend on it.
const expiryInterval = 500 * time.Millisecond

// startServer opens the data directory, starts everything and listens.
func startServer(ctx context.Context, c config, logger *slog.Logger) (_ *server, err error) {
	s := &server{config: c, logger: logger, served: make(chan error, 2), draining: make(chan struct{}), stopTasks: func() {}}
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
	s.clock = clock.New(clock.Config{Wall: time.Now, Elapsed: clock.Elapsed(), Settle: c.ClockSettle, Log: logger})
	ledger := &watchedLedger{Store: s.stores.events, now: time.Now}
	commandMetrics := commands.NewMetrics()
	handler, err := commands.New(ctx, commands.Config{
		Store: ledger, Events: s.stores.registry, Keyring: s.stores.keys,
		Now: s.clock.Now, NewID: newID, Issuer: c.Issuer, CachedLicenses: c.LicenseCacheSize,
		Shared: c.EventStore.shared(), Cache: cache, Observe: commandMetrics.Observe,
	})
	if err != nil {
		return nil, err
	}
	s.clock.Compare(handler.LedgerTime)
	if s.projections, err = s.stores.startProjections(ctx, c, logger); err != nil {
		return nil, misfit(err)
	}
	if err := s.stores.requireSigningKeys(ctx); err != nil {
		return nil, err
	}
	metrics.MustRegister(commandMetrics, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		s.clock.Metrics(), s.projections.Metrics(), newLogSizes(c.sqliteFiles()))
	api, err := httpapi.New(httpapi.Config{
		Commands: handler, ReadModels: s.stores.readModels, Ledger: s.stores.events, Epoch: s.stores.epoch.ID, Projections: s.projections,
		AdminKey: s.adminKey, WithoutAPI: c.Role == roleProjector, Ready: s.checks(handler, ledger), Draining: s.draining, Now: time.Now, NewID: newID, Log: logger, Registry: metrics,
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

// newID makes time-ordered ids, so that what happens together stands together.
func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func (s *server) startTasks(handler *commands.Handler, logger *slog.Logger) {
	ctx, stop := context.WithCancel(context.Background())
	s.stopTasks = stop
	scheduler := &runtime.Scheduler{
		Due: s.due, Now: handler.Now, Trusted: s.clock.Trusted, Every: expiryInterval, Logger: logger,
		Record: func(ctx context.Context, id uuid.UUID) error {
			_, err := handler.Licensing.RecordDue(ctx, runtime.Request{}, licensing.RecordDue{LicenseID: id})
			return err
		},
	}
	s.tasks.Go(func() { scheduler.Run(ctx) })
	s.tasks.Go(func() { handler.RunReadIndex(ctx, logger) })
	s.tasks.Go(func() { s.watchLedger(ctx, logger) })
}

// watchLedger has the keys remember how far the ledger has come. It ends the server when the ledger was put back or began another epoch:
// nothing that this process knows of it can be relied on then.
func (s *server) watchLedger(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(witnessInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := s.stores.advanceWitness(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case isMisfit(err):
			s.served <- misfit(err)
			return
		default:
			logger.WarnContext(ctx, "the keys could not take note of the ledger's head; trying again", "error", err)
		}
	}
}

// due names the licences for which something is due, on the one instance that keeps what tells so.
func (s *server) due(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	if !s.projections.Owns(readmodels.Licenses) {
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
		return fmt.Errorf("serve: %w", err)
	}
}

// Close lets running requests finish within the configured time, then stops everything, last started first.
func (s *server) Close() error { return s.close() }

// settle leaves the read models and the keys level with the ledger, if that takes no time worth mentioning. What is missing is made up for at
// the next start.
func (s *server) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), catchUpTimeout)
	defer cancel()
	_ = s.projections.CatchUp(ctx)
	_ = s.stores.advanceWitness(ctx)
}

func (s *server) shutDown() error {
	var all error
	if s.http != nil {
		all = s.drain()
	}
	s.stopTasks()
	s.tasks.Wait()
	if s.projections != nil {
		s.settle()
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
	ctx, cancel := context.WithTimeout(context.Background(), s.config.ShutdownTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	s.logger.Warn("requests did not finish within shutdown_timeout; their connections are cut", "shutdown_timeout", s.config.ShutdownTimeout)
	return s.http.Close()
}
