// Package catchup follows a ledger that is read by position: first what is there, then what is appended. Engines give it a
// function that reads the next events; it adds the waiting. A [Broadcast] wakes it at once for appends of this process; it polls
// as well, so appends of other processes and a missed broadcast are only a matter of time.
package catchup

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Read returns up to limit events with positions after a given one, in order and without a gap; none when there are none.
type Read func(ctx context.Context, after event.Position, limit int) ([]event.Envelope, error)

// DefaultPoll is how often a waiting subscription looks at the ledger, unless an engine is told otherwise.
const DefaultPoll = 250 * time.Millisecond

// Source is a ledger that can be followed.
type Source struct {
	Read   Read
	Grown  *Broadcast      // notified after each commit
	Poll   time.Duration   // how long to wait for the broadcast before looking anyway
	Closed <-chan struct{} // closed when the store is
}

// Subscribe returns a subscription that starts after a position.
func (s Source) Subscribe(after event.Position) *Subscription {
	return &Subscription{source: s, after: after, closed: make(chan struct{})}
}

// Subscription implements [eventstore.Subscription] over a [Source].
type Subscription struct {
	source Source
	after  event.Position
	once   sync.Once
	closed chan struct{}
}

// Next returns the next events as [eventstore.Subscription] promises.
func (s *Subscription) Next(ctx context.Context, limit int) ([]event.Envelope, error) {
	if limit < 1 {
		return nil, fmt.Errorf("a subscription cannot return at most %d events", limit)
	}
	for {
		if s.ended() {
			return nil, eventstore.ErrClosed
		}
		grown := s.source.Grown.Wait()
		events, err := s.source.Read(ctx, s.after, limit)
		if err != nil {
			return nil, err
		}
		if len(events) > 0 {
			s.after = events[len(events)-1].Position
			return events, nil
		}
		if err := s.wait(ctx, grown); err != nil {
			return nil, err
		}
	}
}

// Close ends the subscription, and a Next that waits.
func (s *Subscription) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *Subscription) ended() bool {
	select {
	case <-s.closed:
		return true
	case <-s.source.Closed:
		return true
	default:
		return false
	}
}

func (s *Subscription) wait(ctx context.Context, grown <-chan struct{}) error {
	poll := time.NewTimer(s.source.Poll)
	defer poll.Stop()
	select {
	case <-grown:
	case <-poll.C:
	case <-s.closed:
	case <-s.source.Closed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
