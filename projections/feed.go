package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// MaxEventsPerMessage bounds the run of events that one message carries.
const MaxEventsPerMessage = 1_000

// The pauses before a message that was refused is sent again, and before a failed read is repeated.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 5 * time.Second
)

// ErrFeedClosed says that the feed was closed.
var ErrFeedClosed = errors.New("the feed is closed")

// Feed is a Watermill subscriber over the ledger. A topic is a reader of the ledger with a checkpoint of its own. Each
// message carries a contiguous run of 1 to [MaxEventsPerMessage] events, in memory: see [RunOf]. The next message waits for
// the ack, so order holds; a nack sends the same run again after a pause.
type Feed struct {
	store  eventstore.Store
	from   func(topic string) event.Position
	logger *slog.Logger

	mu      sync.Mutex
	held    map[string]chan struct{} // closed when the topic is released
	holds   map[string]int           // how often a topic was held or restarted
	closed  chan struct{}
	closing sync.Once
	running sync.WaitGroup
}

var _ message.Subscriber = (*Feed)(nil)

// NewFeed returns a feed of the store. A topic begins after the position that from returns for it, also when it is released.
func NewFeed(store eventstore.Store, from func(topic string) event.Position, logger *slog.Logger) *Feed {
	return &Feed{store: store, from: from, logger: logger, held: map[string]chan struct{}{}, holds: map[string]int{}, closed: make(chan struct{})}
}

type runKey struct{}

// RunOf returns the events a message of the feed carries, given the message's context.
func RunOf(ctx context.Context) []event.Envelope {
	run, _ := ctx.Value(runKey{}).([]event.Envelope)
	return run
}

// Subscribe implements [message.Subscriber]. The channel is closed when ctx ends or the feed is closed.
func (f *Feed) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.closed:
		return nil, ErrFeedClosed
	default:
	}
	messages := make(chan *message.Message)
	ctx, cancel := context.WithCancel(ctx)
	f.running.Go(func() {
		defer cancel()
		defer close(messages)
		f.follow(ctx, topic, messages)
	})
	f.running.Go(func() {
		select {
		case <-f.closed:
			cancel()
		case <-ctx.Done():
		}
	})
	return messages, nil
}

// Close ends all topics. Whether a message that is out gets its ack no longer matters: its reader's checkpoint knows.
func (f *Feed) Close() error {
	f.closing.Do(func() {
		f.mu.Lock()
		close(f.closed)
		f.mu.Unlock()
	})
	f.running.Wait()
	return nil
}

// Hold makes a topic pause: a message that is out is not sent again, and none follows, until [Feed.Release].
func (f *Feed) Hold(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holds[topic]++
	if f.held[topic] == nil {
		f.held[topic] = make(chan struct{})
	}
}

// Release makes a held topic go on, after the position it has by then.
func (f *Feed) Release(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if held := f.held[topic]; held != nil {
		close(held)
		delete(f.held, topic)
	}
}

// Restart makes a topic begin anew after the position it has by then: a message that is out is not sent again.
func (f *Feed) Restart(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holds[topic]++
}

// released returns what is closed when the topic is released, nil when it is not held.
func (f *Feed) released(topic string) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held[topic]
}

// timesHeld tells how often the topic was held or restarted so far.
func (f *Feed) timesHeld(topic string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.holds[topic]
}

// errHeld ends a subscription whose topic is held, was, or restarts: it begins anew where the topic is by then.
var errHeld = errors.New("the topic is held")

// follow sends a topic's messages until ctx ends.
func (f *Feed) follow(ctx context.Context, topic string, messages chan<- *message.Message) {
	pause := backoff{}
	for ctx.Err() == nil {
		if released := f.released(topic); released != nil {
			select {
			case <-released:
			case <-ctx.Done():
				return
			}
		}
		err := f.subscription(ctx, topic, messages)
		switch {
		case ctx.Err() != nil || errors.Is(err, eventstore.ErrClosed):
			return
		case errors.Is(err, errHeld):
		default:
			f.logger.WarnContext(ctx, "the ledger cannot be read; trying again", "projection", topic, "error", err)
			pause.wait(ctx)
		}
	}
}

// subscription sends messages from the topic's position on until something fails.
func (f *Feed) subscription(ctx context.Context, topic string, messages chan<- *message.Message) (err error) {
	subscription, err := f.store.Subscribe(ctx, f.from(topic))
	if err != nil {
		return fmt.Errorf("subscribe to the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, subscription.Close()) }()
	for {
		run, err := subscription.Next(ctx, MaxEventsPerMessage)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		if err := f.deliver(ctx, topic, run, messages); err != nil {
			return err
		}
	}
}

// deliver sends a run until it is acked.
func (f *Feed) deliver(ctx context.Context, topic string, run []event.Envelope, messages chan<- *message.Message) error {
	pause := backoff{}
	for {
		before := f.timesHeld(topic)
		// Whoever took a message may finish it although the feed closes, so its context does not end with ctx.
		m := message.NewMessageWithContext(context.WithValue(context.WithoutCancel(ctx), runKey{}, run), watermill.NewUUID(), nil)
		m.Metadata.Set("first_position", strconv.FormatUint(uint64(run[0].Position), 10))
		m.Metadata.Set("last_position", strconv.FormatUint(uint64(run[len(run)-1].Position), 10))
		select {
		case messages <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-m.Acked():
			return nil
		case <-m.Nacked():
		case <-ctx.Done():
			return ctx.Err()
		}
		if f.timesHeld(topic) != before {
			return errHeld
		}
		if !pause.wait(ctx) {
			return ctx.Err()
		}
	}
}

// backoff makes pauses that double up to a limit. The zero value is ready.
type backoff struct{ next time.Duration }

// wait pauses; it returns false when ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(b.next*2, firstPause), lastPause)
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
