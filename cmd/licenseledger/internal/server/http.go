package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/service"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// Timeouts of the HTTP server. The handlers bound how long a request may take; these keep idle and slow clients from holding connections.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
)

// httpService serves HTTP.
type httpService struct {
	address         string
	handler         func() (http.Handler, error)
	newID           func() uuid.UUID // of requests that are not HTTP
	shutdownTimeout time.Duration
	logger          *slog.Logger
	failed          func(error)   // called if serving ends by itself
	draining        chan struct{} // closed when the shutdown begins

	listener net.Listener
	server   *http.Server  // nil before Start
	stopped  bool          // by Stop
	ended    chan struct{} // closed when serving has ended
}

// Name implements [service.Service].
func (*httpService) Name() string { return "http" }

// Start implements [service.Service].
func (h *httpService) Start(ctx context.Context) error {
	handler, err := h.handler()
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	if h.listener, err = listen.Listen(ctx, "tcp", h.address); err != nil {
		return hint.New(fmt.Errorf("listen: %w", err), "choose another address with --listen")
	}
	h.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug),
	}
	h.server.RegisterOnShutdown(func() { close(h.draining) })
	h.ended = make(chan struct{})
	reporter := problem.Reporter{Log: h.logger}
	listener := reporter.Listener(h.listener, func() string { return h.newID().String() })
	go func() {
		defer close(h.ended)
		if err := h.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			h.failed(err)
		}
	}()
	return nil
}

// Stop implements [service.Service]. It lets running requests finish. After the shutdown timeout it cuts the connections, which loses
// nothing that was acknowledged; the clients repeat the rest.
func (h *httpService) Stop() error {
	if h.server == nil || h.stopped {
		return nil
	}
	h.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), h.shutdownTimeout)
	defer cancel()
	err := h.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		h.logger.Warn("requests did not finish within shutdown_timeout; their connections are cut", "shutdown_timeout", h.shutdownTimeout)
		err = h.server.Close()
	}
	<-h.ended
	return err
}

// Health implements [service.Service].
func (h *httpService) Health(context.Context) error {
	if h.server == nil {
		return service.ErrNotRunning
	}
	select {
	case <-h.ended:
		return service.ErrNotRunning
	default:
		return nil
	}
}

// url is where the server can be reached from this machine.
func (h *httpService) url() string { return "http://" + h.listener.Addr().String() }
