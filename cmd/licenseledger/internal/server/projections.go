package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/service"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// catchUpTimeout bounds how long a stop waits for the projections to reach the ledger's head.
const catchUpTimeout = 5 * time.Second

// projectionService keeps the read models up to date.
type projectionService struct {
	backends *backends.Backends
	settings backends.Settings
	standby  bool
	logger   *slog.Logger
	runner   *runtime.Runner // nil before Start
}

// Name implements [service.Service].
func (*projectionService) Name() string { return "projections" }

// Start implements [service.Service]. With the catalogue at hand it also checks that the keys are not older than the ledger.
func (p *projectionService) Start(ctx context.Context) (err error) {
	if p.runner, err = p.backends.StartProjections(ctx, p.settings, p.standby, p.logger); err != nil {
		return err
	}
	if err := p.backends.RequireSigningKeys(ctx); err != nil {
		return errors.Join(err, p.runner.Close())
	}
	return nil
}

// Stop implements [service.Service]. Before the end it lets the read models and the keys catch up with the ledger, if that is quick: the
// next start does the rest.
func (p *projectionService) Stop() error {
	if p.runner == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), catchUpTimeout)
	defer cancel()
	_ = p.runner.CatchUp(ctx)
	_ = p.backends.AdvanceWitness(ctx)
	return p.runner.Close()
}

// Health implements [service.Service]. Readiness checks each projection by itself.
func (p *projectionService) Health(context.Context) error {
	if p.runner == nil {
		return service.ErrNotRunning
	}
	return nil
}
