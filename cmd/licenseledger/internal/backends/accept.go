package backends

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
)

// Accept begins a new epoch of the ledger as it is now, although it was put back to an earlier state.
func Accept(ctx context.Context, s Settings) (epoch eventstore.Epoch, err error) {
	if err := s.MakeDataDir(); err != nil {
		return epoch, err
	}
	b := &Backends{Registry: domain.Events()}
	defer func() { err = errors.Join(err, b.Close()) }()
	if !s.EventStore.Shared() || !s.ReadModels.Shared() {
		if err := b.lock(s.DataDir); err != nil {
			return epoch, err
		}
	}
	if b.Events, err = OpenEvents(ctx, s.EventStore, s.DataDir, slog.New(slog.DiscardHandler)); err != nil {
		return epoch, withDoctorHint(engine.EventStore, err)
	}
	b.closers = append(b.closers, b.Events.Close)
	if err := RequireKeysFile(ctx, s, b.Events); err != nil {
		return epoch, ExplainMismatch(err)
	}
	keys, err := OpenKeys(ctx, s.Keys, s.DataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return epoch, withDoctorHint(engine.ReadModels, err)
	}
	b.closers = append(b.closers, keys.Close)
	epoch, err = installation.Accept(ctx, b.Events, keys, b.Registry, time.Now, NewID)
	return epoch, ExplainMismatch(err)
}
