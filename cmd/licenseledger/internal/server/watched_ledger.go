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

// watchedLedger remembers whether the latest append failed because the engine could not store it, so that readiness needs no write, and
// when the ledger answered last.
type watchedLedger struct {
	eventstore.Store
	now      func() time.Time
	failed   atomic.Pointer[time.Time] // when; nil after an append that succeeded
	answered atomic.Pointer[time.Time] // when; nil before the first answer and after a failure
}

// Append implements [eventstore.Store].
func (w *watchedLedger) Append(
	ctx context.Context, stream string, expected event.Revision, events []event.Pending,
) (eventstore.Commit, error) {
	commit, err := w.Store.Append(ctx, stream, expected, events)
	switch {
	case err == nil:
		w.failed.Store(nil)
		w.noteAnswer()
	case errors.Is(err, eventstore.ErrUnavailable):
		at := w.now()
		w.failed.Store(&at)
		w.answered.Store(nil)
	}
	return commit, err
}

// Head implements [eventstore.Store].
func (w *watchedLedger) Head(ctx context.Context) (event.Position, error) {
	head, err := w.Store.Head(ctx)
	switch {
	case err == nil:
		w.noteAnswer()
	case errors.Is(err, eventstore.ErrUnavailable):
		w.answered.Store(nil)
	}
	return head, err
}

func (w *watchedLedger) noteAnswer() {
	at := w.now()
	w.answered.Store(&at)
}

// recentAnswer is how long the ledger counts as available after it answered anybody.
const recentAnswer = time.Second

// available returns nil if the ledger has answered somebody within a second, and none in vain since. Otherwise it asks. So a probe does not
// fail because a busy server takes long to carry out one more question.
func (w *watchedLedger) available(ctx context.Context) error {
	if last := w.answered.Load(); last != nil && w.now().Sub(*last) < recentAnswer {
		return nil
	}
	_, err := w.Head(ctx)
	return err
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
