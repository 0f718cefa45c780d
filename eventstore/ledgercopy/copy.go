package ledgercopy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
)

// ErrDifferent says that the target is not a beginning of the source. Nothing was appended to it.
var ErrDifferent = errors.New("the target is not a copy of the source")

// Copied is what a copy did.
type Copied struct {
	Source  Summary // of all that was read
	Present uint64  // events that the target held already
}

// Copy appends to a target the events of a source that it lacks: the same events in the same order, byte for byte. What the target holds
// already must be the beginning of the source, so an interrupted copy can be continued; otherwise Copy fails with [ErrDifferent] and names
// the first event that differs. Nobody else may append to the target meanwhile. The source is only read, up to the head it had at
// the start. progress, if not nil, is called with positions of the source.
//
// [Verify] compares the two afterwards.
func Copy(ctx context.Context, source Ledger, target eventstore.Store, progress func(event.Position)) (Copied, error) {
	c := copying{source: newTally(), target: target, progress: progress}
	present, stop := iter.Pull2(target.ReadAll(ctx, 0))
	defer stop()
	for e, err := range source.ReadAll(ctx, 0) {
		if err == nil {
			err = c.source.checkNext(&e)
		}
		if err != nil {
			return c.copied(), fmt.Errorf("read the source: %w", err)
		}
		c.source.add(&e)
		if err := c.next(ctx, e, present); err != nil {
			return c.copied(), err
		}
	}
	if !c.appending {
		if t, err, more := present(); err != nil {
			return c.copied(), fmt.Errorf("read the target: %w", err)
		} else if more {
			return c.copied(), fmt.Errorf("%w: the source ends after %d events, the target continues with %s", ErrDifferent,
				c.source.events, describe(&t))
		}
	}
	return c.copied(), c.flush(ctx)
}

// maxBatchBytes bounds the payloads in memory.
const maxBatchBytes = 4 << 20

// ordered is implemented by engines that can store several appends at once in their order.
type ordered interface {
	AppendInOrder(ctx context.Context, appends []groupcommit.Append) error
}

type copying struct {
	source    *tally
	target    eventstore.Store
	progress  func(event.Position)
	present   uint64
	appending bool // the end of the target was reached

	batch         []groupcommit.Append
	events, bytes int
}

func (c *copying) copied() Copied { return Copied{Source: c.source.summary(), Present: c.present} }

// next compares an event with that of the target in the same place, or appends it.
func (c *copying) next(ctx context.Context, e event.Envelope, present func() (event.Envelope, error, bool)) error {
	if !c.appending {
		t, err, more := present()
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		if more {
			if differing := differences(&e, &t); len(differing) > 0 {
				return fmt.Errorf("%w: event %d of the source is %s, of the target %s; they differ in %s",
					ErrDifferent, c.source.events, describe(&e), describe(&t), strings.Join(differing, ", "))
			}
			c.present++
			c.report(e.Position)
			return nil
		}
		c.appending = true
	}
	c.collect(&e)
	if len(c.batch) < groupcommit.MaxAppendsPerBatch && c.events < groupcommit.MaxEventsPerBatch && c.bytes < maxBatchBytes {
		return nil
	}
	if err := c.flush(ctx); err != nil {
		return err
	}
	c.report(e.Position)
	return nil
}

// collect adds an event to the batch. Neighbours of one stream are one append.
func (c *copying) collect(e *event.Envelope) {
	c.events++
	c.bytes += len(e.Data)
	if n := len(c.batch); n > 0 && c.batch[n-1].Stream == e.Stream {
		c.batch[n-1].Events = append(c.batch[n-1].Events, e.Pending)
		return
	}
	c.batch = append(c.batch, groupcommit.Append{Stream: e.Stream, Expected: e.Revision - 1, Events: []event.Pending{e.Pending}})
}

func (c *copying) flush(ctx context.Context) error {
	batch := c.batch
	c.batch, c.events, c.bytes = nil, 0, 0
	if len(batch) == 0 {
		return nil
	}
	if target, ok := c.target.(ordered); ok {
		if err := target.AppendInOrder(ctx, batch); err != nil {
			return fmt.Errorf("append to the target: %w", err)
		}
		return nil
	}
	for _, a := range batch {
		if _, err := c.target.Append(ctx, a.Stream, a.Expected, a.Events); err != nil {
			return fmt.Errorf("append to the target: %w", err)
		}
	}
	return nil
}

func (c *copying) report(p event.Position) {
	if c.progress != nil {
		c.progress(p)
	}
}

// differences names the fields in which two events are not the same.
func differences(a, b *event.Envelope) (names []string) {
	for _, field := range []struct {
		name string
		same bool
	}{
		{"stream", a.Stream == b.Stream},
		{"revision", a.Revision == b.Revision},
		{"id", a.ID == b.ID},
		{"type", a.Type == b.Type},
		{"time", a.RecordedAt.Equal(b.RecordedAt)},
		{"tenant", a.Tenant == b.Tenant},
		{"actor", a.Actor == b.Actor},
		{"correlation", a.Correlation == b.Correlation},
		{"causation", a.Causation == b.Causation},
		{"command id", a.CommandID == b.CommandID},
		{"request hash", a.RequestHash == b.RequestHash},
		{"payload", bytes.Equal(a.Data, b.Data)},
	} {
		if !field.same {
			names = append(names, field.name)
		}
	}
	return names
}

// describe says which event it is, without its content.
func describe(e *event.Envelope) string {
	return fmt.Sprintf("%s %s (revision %d of %s)", e.Type, e.ID, e.Revision, e.Stream)
}
