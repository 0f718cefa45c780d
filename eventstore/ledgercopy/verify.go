// Package ledgercopy reads whole ledgers: to compare two of them, and to copy one into another, whatever engines they are on.
package ledgercopy

import (
	"context"
	"fmt"
	"iter"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Ledger is what is read of one. Every [eventstore.Store] is a Ledger.
type Ledger interface {
	Head(ctx context.Context) (event.Position, error)
	ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error]
}

// Summary tells ledgers apart.
type Summary struct {
	Events  uint64
	Streams int
	Head    event.Position // of the last event; engines count in different ways
	Digest  string         // SHA-256 in hexadecimal over every event, in order, without its position
}

// Verify reads a ledger to its end and wants that positions grow, that the revisions of every stream are 1, 2, 3 …, and that check,
// if any, finds nothing wrong with an event. It fails with the first thing that is not so, with an error of the read, or with ctx's;
// the summary is then of what came before. Progress, if any, is told the position of every event.
func Verify(ctx context.Context, ledger Ledger, check func(event.Envelope) error, progress func(event.Position)) (Summary, error) {
	s := newTally()
	head, err := ledger.Head(ctx)
	if err != nil {
		return s.summary(), err
	}
	for e, err := range ledger.ReadAll(ctx, 0) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = s.checkNext(&e)
		}
		if err == nil && check != nil {
			err = check(e)
		}
		if err != nil {
			return s.summary(), err
		}
		s.add(&e)
		if progress != nil {
			progress(e.Position)
		}
	}
	if s.head < head {
		return s.summary(), fmt.Errorf("%w: it ends at position %d, its head says %d", eventstore.ErrDamaged, s.head, head)
	}
	return s.summary(), nil
}

// tally goes through a ledger.
type tally struct {
	events    uint64
	head      event.Position
	revisions map[string]event.Revision
	digest    *digest
}

func newTally() *tally {
	return &tally{revisions: map[string]event.Revision{}, digest: newDigest()}
}

// fits tells whether an event can come next.
func (s *tally) checkNext(e *event.Envelope) error {
	if e.Position <= s.head {
		return fmt.Errorf("%w: position %d follows %d", eventstore.ErrDamaged, e.Position, s.head)
	}
	if last := s.revisions[e.Stream]; e.Revision != last+1 {
		return fmt.Errorf("%w: position %d has revision %d of %s, after revision %d", eventstore.ErrDamaged, e.Position,
			e.Revision, e.Stream, last)
	}
	return nil
}

func (s *tally) add(e *event.Envelope) {
	s.events++
	s.head, s.revisions[e.Stream] = e.Position, e.Revision
	s.digest.add(e)
}

func (s *tally) summary() Summary {
	return Summary{Events: s.events, Streams: len(s.revisions), Head: s.head, Digest: s.digest.String()}
}
