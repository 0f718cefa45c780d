package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Bulk projection works on larger runs than the live feed, because nobody waits for a single event.
const (
	eventsPerBulkRun = 4_000
	runsAhead        = 2
	// bulkAttempts is how often a run is tried: for about half a minute.
	bulkAttempts = 14
)

// bulk projects the ledger from the checkpoint to a position (0: to its end), in large transactions, and returns how far
// it came. Reading and decoding run ahead of writing.
func (w writer) bulk(ctx context.Context, store eventstore.Store, at store.Checkpoint, upTo event.Position,
	applied func(store.Checkpoint),
) (store.Checkpoint, error) {
	ctx, cancel := context.WithCancel(ctx)
	runs := make(chan []decoded, runsAhead)
	var failed error
	go func() {
		defer close(runs)
		failed = w.read(ctx, store.ReadAll(ctx, event.Position(at.Position)), upTo, runs)
	}()
	defer func() {
		cancel()
		for range runs { // until the reader has ended
		}
	}()
	for run := range runs {
		next, err := w.applyWithRetry(ctx, at, run)
		at = next
		applied(at)
		if err != nil {
			return at, err
		}
	}
	return at, failed
}

// applyWithRetry applies a run, and retries transient failures such as a restart of the database: what was built so far is worth waiting
// for.
func (w writer) applyWithRetry(ctx context.Context, at store.Checkpoint, run []decoded) (store.Checkpoint, error) {
	pause := backoff{}
	for attempt := 1; ; attempt++ {
		next, err := w.apply(ctx, at, run)
		lost := next.Position < at.Position // rows applied earlier are gone, and run does not have their events
		if err == nil || !transient(err) || lost || attempt == bulkAttempts || !pause.wait(ctx) {
			return next, err
		}
		for len(run) > 0 && uint64(run[0].Position) <= next.Position {
			run = run[1:]
		}
		if at = next; len(run) == 0 {
			return at, nil
		}
	}
}

// read sends the events up to a position in decoded runs.
func (w writer) read(ctx context.Context, events iter.Seq2[event.Envelope, error], upTo event.Position, runs chan<- []decoded) error {
	run := make([]decoded, 0, eventsPerBulkRun)
	send := func() error {
		if len(run) == 0 {
			return nil
		}
		select {
		case runs <- run:
			run = make([]decoded, 0, eventsPerBulkRun)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for e, err := range events {
		if err != nil {
			return errors.Join(send(), fmt.Errorf("read the ledger: %w", err))
		}
		if upTo > 0 && e.Position > upTo {
			break
		}
		d := decoded{}
		d.Event, d.err = w.decode(e)
		d.Envelope = e
		if run = append(run, d); len(run) == eventsPerBulkRun {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
