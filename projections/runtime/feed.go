package runtime

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

// The delays before a nacked message is sent again, and before a failed read is repeated.
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
	paused  map[string]chan struct{} // closed when the topic resumes
	pauses  map[string]int           // how often a topic was paused or restarted
	closed  chan struct{}
	closing sync.Once
	running sync.WaitGroup
}

var _ message.Subscriber = (*Feed)(nil)

// NewFeed returns a feed of the store. A topic starts after the position that from returns for it, also when it resumes.
func NewFeed(store eventstore.Store, from func(topic string) event.Position, logger *slog.Logger) *Feed {
	return &Feed{store: store, from: from, logger: logger, paused: map[string]chan struct{}{}, pauses: map[string]int{},
		closed: make(chan struct{})}
}

type runKey struct{}

// RunOf returns the events that a message of the feed carries. ctx is the message's context.
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
		f.emit(ctx, topic, messages)
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

// Close ends all topics. It does not wait for the ack of a delivered message: the checkpoint says whether it was applied.
func (f *Feed) Close() error {
	f.closing.Do(func() {
		f.mu.Lock()
		close(f.closed)
		f.mu.Unlock()
	})
	f.running.Wait()
	return nil
}

// Pause stops a topic until [Feed.Resume]: a delivered message is not sent again, and no other follows.
func (f *Feed) Pause(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pauses[topic]++
	if f.paused[topic] == nil {
		f.paused[topic] = make(chan struct{})
	}
}

// Resume lets a paused topic continue after its current position.
func (f *Feed) Resume(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if held := f.paused[topic]; held != nil {
		close(held)
		delete(f.paused, topic)
	}
}

// Restart lets a topic continue after its current position. A delivered message is not sent again.
func (f *Feed) Restart(topic string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pauses[topic]++
}

// resumed returns a channel that is closed when the topic resumes; nil when it is not paused.
func (f *Feed) resumed(topic string) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.paused[topic]
}

// timesPaused returns how often the topic was paused or restarted so far.
func (f *Feed) timesPaused(topic string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pauses[topic]
}

// errPaused ends a subscription when its topic is paused or restarted; the next one starts at the current checkpoint.
var errPaused = errors.New("the topic is paused")

// emit sends the messages of a topic until ctx ends.
func (f *Feed) emit(ctx context.Context, topic string, messages chan<- *message.Message) {
	pause := backoff{}
	for ctx.Err() == nil {
		if released := f.resumed(topic); released != nil {
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
		case errors.Is(err, errPaused):
		default:
			f.logger.WarnContext(ctx, "the ledger cannot be read; trying again", "projection", topic, "error", err)
			pause.wait(ctx)
		}
	}
}

// subscription sends messages from the topic's position on, until it fails.
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
		before := f.timesPaused(topic)
		// The handler may finish a message while the feed closes, so the message's context does not end with ctx.
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
		if f.timesPaused(topic) != before {
			return errPaused
		}
		if !pause.wait(ctx) {
			return ctx.Err()
		}
	}
}

// backoff makes delays that double up to a limit. The zero value is ready.
type backoff struct{ next time.Duration }

// wait waits for the next delay. It returns false when ctx ended.
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
