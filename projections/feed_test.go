package projections_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// flaky fails the first reads of every kind.
type flaky struct {
	eventstore.Store
	mu       sync.Mutex
	failures int
}

func (f *flaky) fails() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures--
	return f.failures >= 0
}

func (f *flaky) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(f.failures, 0)
}

func (f *flaky) Subscribe(ctx context.Context, after event.Position) (eventstore.Subscription, error) {
	if f.fails() {
		return nil, eventstore.ErrUnavailable
	}
	return f.Store.Subscribe(ctx, after)
}

func feedOf(t *testing.T, w *fixture, from func(string) event.Position) *runtime.Feed {
	feed := runtime.NewFeed(w.store, from, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, feed.Close()) })
	return feed
}

func beginning(string) event.Position { return 0 }

func receive(t *testing.T, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, open := <-messages:
		require.True(t, open)
		return m
	case <-time.After(10 * time.Second):
		require.FailNow(t, "no message came")
		return nil
	}
}

func positions(m *message.Message) []event.Position {
	var all []event.Position
	for _, e := range runtime.RunOf(m.Context()) {
		all = append(all, e.Position)
	}
	return all
}

func TestTheNextMessageWaitsForTheAck(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.happened(productStream, registered())
	messages, err := feedOf(t, w, beginning).Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	first := receive(t, messages)
	require.Equal(t, []event.Position{1}, positions(first))
	require.Equal(t, "1", first.Metadata.Get("last_position"))
	w.happened(licenseStream, issued())
	select {
	case <-messages:
		require.Fail(t, "a message overtook the ack")
	default:
	}
	first.Ack()
	require.Equal(t, []event.Position{2}, positions(receive(t, messages)))
}

func TestANackSendsTheSameEventsAgain(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.happened(productStream, registered())
	messages, err := feedOf(t, w, beginning).Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	for range 3 {
		m := receive(t, messages)
		require.Equal(t, []event.Position{1}, positions(m))
		m.Nack()
	}
}

func TestAMessageCarriesAtMostAThousandEvents(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	events := []event.Payload{issued()}
	for n := range 2_500 {
		events = append(events, license.KeyReissued{Reason: "again", Generation: uint8(n)})
	}
	w.happened(licenseStream, events...)
	messages, err := feedOf(t, w, beginning).Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	var next event.Position = 1
	for next <= 2_501 {
		m := receive(t, messages)
		run := positions(m)
		require.NotEmpty(t, run)
		require.LessOrEqual(t, len(run), runtime.MaxEventsPerMessage)
		for _, p := range run {
			require.Equal(t, next, p, "without a gap, in order")
			next++
		}
		m.Ack()
	}
}

func TestEachTopicBeginsAtItsOwnCheckpoint(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.happened(licenseStream, issued(), bound(1, 1), bound(2, 2))
	feed := feedOf(t, w, func(topic string) event.Position { return map[string]event.Position{"behind": 1, "ahead": 2}[topic] })
	behind, err := feed.Subscribe(t.Context(), "behind")
	require.NoError(t, err)
	ahead, err := feed.Subscribe(t.Context(), "ahead")
	require.NoError(t, err)
	require.Equal(t, []event.Position{2, 3}, positions(receive(t, behind)))
	require.Equal(t, []event.Position{3}, positions(receive(t, ahead)))
}

func TestAHeldTopicGoesOnFromItsPositionWhenReleased(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.happened(licenseStream, issued(), bound(1, 1))
	at := make(chan event.Position, 2)
	at <- 0
	feed := feedOf(t, w, func(string) event.Position { return <-at })
	messages, err := feed.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	m := receive(t, messages)
	feed.Pause("topic")
	m.Nack()
	at <- 1
	require.Len(t, at, 1, "a held topic does not ask where to begin")
	feed.Resume("topic")
	require.Equal(t, []event.Position{2}, positions(receive(t, messages)))
}

func TestAFeedClosesWhileAMessageIsOutAndLetsItFinish(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.happened(licenseStream, issued())
	feed := feedOf(t, w, beginning)
	messages, err := feed.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	m := receive(t, messages)
	require.NoError(t, feed.Close())
	require.NoError(t, m.Context().Err(), "the handler may finish")
	require.True(t, m.Ack())
	_, open := <-messages
	require.False(t, open)
	_, err = feed.Subscribe(t.Context(), "topic")
	require.ErrorIs(t, err, runtime.ErrFeedClosed)
}

func TestAFeedOutlivesAStoreThatIsUnavailableForAWhile(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.happened(licenseStream, issued())
	feed := runtime.NewFeed(&flaky{Store: w.store, failures: 3}, beginning, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { require.NoError(t, feed.Close()) })
	messages, err := feed.Subscribe(t.Context(), "topic")
	require.NoError(t, err)
	require.Equal(t, []event.Position{1}, positions(receive(t, messages)))
}
