package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// buffered is how many events a subscription holds before its server has to wait.
const buffered = 256

// subscription follows $all through a subscription of the server, which is made anew by the Next that follows a failure. It
// implements [eventstore.Subscription].
type subscription struct {
	store *Store
	life  context.Context
	end   context.CancelFunc

	after event.Position                      // what was given out
	start *streams.ReadReq_Options_AllOptions // where the server is to go on; after, or further on when it said so
	feed  <-chan item                         // nil when there is none
	next  *item                               // taken from the feed and not looked at yet
}

// item is what a feed brings: an event, how far the server has looked, or why there is nothing more.
type item struct {
	event      event.Envelope
	checkpoint *streams.ReadResp_Checkpoint
	failed     error
}

func newSubscription(s *Store, after event.Position) *subscription {
	life, end := context.WithCancel(s.life)
	return &subscription{store: s, life: life, end: end, after: after, start: from(after)}
}

// Next returns the next events as [eventstore.Subscription] promises.
func (s *subscription) Next(ctx context.Context, limit int) ([]event.Envelope, error) {
	if limit < 1 {
		return nil, fmt.Errorf("a subscription cannot return at most %d events", limit)
	}
	var events []event.Envelope
	for len(events) < limit {
		i, err := s.take(ctx, len(events) == 0)
		if err != nil {
			return nil, err
		}
		switch {
		case i == nil:
			return events, nil
		case i.failed != nil && len(events) > 0:
			s.next = i
			return events, nil
		case i.failed != nil:
			s.feed = nil
			if s.life.Err() != nil {
				return nil, eventstore.ErrClosed
			}
			return nil, s.store.failure(ctx, "follow the ledger", i.failed)
		case i.checkpoint != nil:
			s.start = at(i.checkpoint.GetCommitPosition(), i.checkpoint.GetPreparePosition())
		default:
			events = append(events, i.event)
			s.after, s.start = i.event.Position, from(i.event.Position)
		}
	}
	return events, nil
}

// take returns the next item. Without wait, it returns nil when there is none yet.
func (s *subscription) take(ctx context.Context, wait bool) (*item, error) {
	if s.life.Err() != nil {
		return nil, eventstore.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i := s.next; i != nil {
		s.next = nil
		return i, nil
	}
	if s.feed == nil {
		if !s.store.feeds.enter() {
			return nil, eventstore.ErrClosed
		}
		feed := make(chan item, buffered)
		go s.follow(feed, s.start, s.after)
		s.feed = feed
	}
	if !wait {
		select {
		case i := <-s.feed:
			return &i, nil
		default:
			return nil, nil
		}
	}
	select {
	case i := <-s.feed:
		return &i, nil
	case <-s.life.Done():
		return nil, eventstore.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the subscription, and a Next that waits.
func (s *subscription) Close() error {
	s.end()
	return nil
}

// follow fills a feed until it fails, which is the last thing that it says.
func (s *subscription) follow(feed chan<- item, start *streams.ReadReq_Options_AllOptions, after event.Position) {
	defer s.store.feeds.leave()
	send := func(i item) bool {
		select {
		case feed <- i:
			return true
		case <-s.life.Done():
			return false
		}
	}
	err := s.store.server.do(s.life, func(ctx context.Context, server streams.StreamsClient) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		silence := time.AfterFunc(s.store.server.deadline, cancel)
		defer silence.Stop()
		call, err := server.Read(ctx, s.store.followRequest(start))
		if err != nil {
			return err
		}
		for {
			answer, err := call.Recv()
			if errors.Is(err, io.EOF) {
				return errors.New("the server has ended the subscription")
			}
			if err != nil {
				return translate(err, call.Trailer())
			}
			silence.Stop() // the server has confirmed; from here on it speaks when there is something to say, and keepalive watches
			i, relevant, err := s.store.received(answer, &after)
			if err != nil {
				return err
			}
			if relevant && !send(i) {
				return s.life.Err()
			}
		}
	})
	send(item{failed: err})
}

// received turns a message of the server into an item; most that are not events of ours are not relevant. after is the last
// position seen.
func (s *Store) received(answer *streams.ReadResp, after *event.Position) (i item, relevant bool, err error) {
	if c := answer.GetCheckpoint(); c != nil {
		return item{checkpoint: c}, true, nil
	}
	r := answer.GetEvent().GetEvent()
	if r == nil {
		return i, false, nil
	}
	e, ours, err := s.codec.decode(r)
	if err != nil || !ours || e.Position <= *after {
		return i, false, err
	}
	*after = e.Position
	return item{event: e}, true, nil
}
