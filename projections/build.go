package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/readmodels"
)

// Bulk projection works on larger runs than the live feed: nobody waits for a single event.
const (
	eventsPerBulkRun = 4_000
	runsAhead        = 2
)

// bulk projects the ledger from the checkpoint to a position (0: to its end), in large transactions, and returns how far
// it came. Reading and decoding run ahead of writing.
func (w writer) bulk(ctx context.Context, store eventstore.Store, at readmodels.Checkpoint, upTo event.Position,
	applied func(readmodels.Checkpoint),
) (readmodels.Checkpoint, error) {
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
		next, err := w.apply(ctx, at, run)
		at = next
		applied(at)
		if err != nil {
			return at, err
		}
	}
	return at, failed
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
