package commands

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// ExpiryScheduler has what time brings about recorded: it asks at intervals which licences are due and lets them elapse.
type ExpiryScheduler struct {
	Handler *Handler
	// Due names licences for which something may be due, at most limit. It may lag behind the ledger: naming a licence once
	// too often does no harm, and one that is missing is named next time.
	Due func(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error)
	// Trusted reports whether the clock is to be trusted. While it is not, nothing is recorded: an expiry that a wrong clock brings
	// about would stay. nil: always.
	Trusted func() bool
	Every   time.Duration
	Logger  *slog.Logger

	newer leftAlone
}

const (
	elapsedPerRound = 1_024
	elapsedAtOnce   = 64 // side by side, so that the ledger can commit them together
)

// Run keeps time until ctx ends.
func (t *ExpiryScheduler) Run(ctx context.Context) {
	ctx = tenancy.With(ctx, tenancy.Principal{Actor: string(tenancy.System), Role: tenancy.System})
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	for {
		if err := t.RecordDue(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Logger.ErrorContext(ctx, "what is due could not be recorded; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// RecordDue records what is due now. One licence that fails does not hold up the others; one that holds an event of a newer version of the
// program is left alone from then on. ctx needs a principal of role System. One goroutine at a time calls it.
func (t *ExpiryScheduler) RecordDue(ctx context.Context) error {
	if t.Trusted != nil && !t.Trusted() {
		return nil
	}
	due, err := t.Due(ctx, t.Handler.licenses.clock(), elapsedPerRound+len(t.newer.ids))
	if err != nil {
		return err
	}
	due = t.newer.without(due)
	var group errgroup.Group
	group.SetLimit(elapsedAtOnce)
	failures := make([]error, len(due))
	for i, id := range due {
		group.Go(func() error {
			_, failures[i] = t.Handler.Elapse(ctx, id)
			return nil
		})
	}
	err = group.Wait()
	t.newer.take(ctx, t.Logger, due, failures)
	return errors.Join(err, errors.Join(failures...))
}
