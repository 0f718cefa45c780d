package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/health"
)

// watchedLedger remembers whether the latest append failed because the engine could not store it. So readiness needs no write.
type watchedLedger struct {
	eventstore.Store
	now    func() time.Time
	failed atomic.Pointer[time.Time] // when; nil after an append that succeeded
}

// Append implements [eventstore.Store].
func (w *watchedLedger) Append(
	ctx context.Context, stream string, expected event.Revision, events []event.Pending,
) (eventstore.Commit, error) {
	commit, err := w.Store.Append(ctx, stream, expected, events)
	switch {
	case err == nil:
		w.failed.Store(nil)
	case errors.Is(err, eventstore.ErrUnavailable):
		at := w.now()
		w.failed.Store(&at)
	}
	return commit, err
}

// writable fails from an append that failed until one that succeeds.
func (w *watchedLedger) writable() error {
	at := w.failed.Load()
	if at == nil {
		return nil
	}
	return health.Because("the latest append, at %s, failed; commands are refused until one succeeds: free disk space, or "+
		"check the database",
		at.UTC().Format(time.RFC3339))
}
