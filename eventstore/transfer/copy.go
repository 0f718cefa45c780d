package transfer

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

// ErrDifferent says that a target holds something else than the beginning of the source. Nothing was appended to it.
var ErrDifferent = errors.New("the target is not a copy of the source")

// Copied is what a copy did.
type Copied struct {
	Source  Summary // of all that was read
	Present uint64  // events that the target held already
}

// Copy appends to a target what it lacks of a source: the same events in the same order, to the byte. What the target holds already
// must be how the source begins, event by event, so a copy that was broken off goes on where it ended; if it is not, Copy fails with
// [ErrDifferent], naming the first event that is not the same. Nobody else may append to the target meanwhile. The source is only
// read, to its end as of the beginning. Progress, if any, is told how far in the source the copy has come.
//
// Whether the target then holds the same as the source is for [Verify] to tell.
func Copy(ctx context.Context, source Ledger, target eventstore.Store, progress func(event.Position)) (Copied, error) {
	c := copying{source: newSummation(), target: target, progress: progress}
	present, stop := iter.Pull2(target.ReadAll(ctx, 0))
	defer stop()
	for e, err := range source.ReadAll(ctx, 0) {
		if err == nil {
			err = c.source.fits(&e)
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
			return c.copied(), fmt.Errorf("%w: the source ends after %d events, the target goes on with %s", ErrDifferent, c.source.events, named(&t))
		}
	}
	return c.copied(), c.flush(ctx)
}

// maxBatchBytes bounds the payloads that are held in memory before they are appended.
const maxBatchBytes = 4 << 20

// ordered is implemented by engines that can store several appends at once in their order.
type ordered interface {
	AppendInOrder(ctx context.Context, appends []groupcommit.Append) error
}

type copying struct {
	source    *summation
	target    eventstore.Store
	progress  func(event.Position)
	present   uint64
	appending bool // the end of the target was reached

	batch         []groupcommit.Append
	events, bytes int
}

func (c *copying) copied() Copied { return Copied{Source: c.source.summary(), Present: c.present} }

// next compares an event with the one that the target holds in its place, or puts it there.
func (c *copying) next(ctx context.Context, e event.Envelope, present func() (event.Envelope, error, bool)) error {
	if !c.appending {
		t, err, more := present()
		if err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
		if more {
			if differing := differences(&e, &t); len(differing) > 0 {
				return fmt.Errorf("%w: event %d of the source is %s, of the target %s; they differ in %s",
					ErrDifferent, c.source.events, named(&e), named(&t), strings.Join(differing, ", "))
			}
			c.present++
			c.tell(e.Position)
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
	c.tell(e.Position)
	return nil
}

// collect adds an event to the batch; events of one stream that stand next to each other are one append.
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

func (c *copying) tell(p event.Position) {
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

// named tells which event it is, and nothing that it says.
func named(e *event.Envelope) string {
	return fmt.Sprintf("%s %s (revision %d of %s)", e.Type, e.ID, e.Revision, e.Stream)
}
