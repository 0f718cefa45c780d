package catchup_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/catchup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted answers each read with the next of its answers, and then with nothing.
type scripted struct {
	answers []answer
	after   []event.Position // what was asked for
	empty   chan struct{}    // one token for each read without events
}

type answer struct {
	positions []event.Position
	err       error
}

func (s *scripted) read(_ context.Context, after event.Position, _ int) ([]event.Envelope, error) {
	s.after = append(s.after, after)
	if len(s.answers) == 0 {
		s.empty <- struct{}{}
		return nil, nil
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	events := make([]event.Envelope, len(a.positions))
	for i, p := range a.positions {
		events[i].Position = p
	}
	if len(events) == 0 && a.err == nil {
		s.empty <- struct{}{}
	}
	return events, a.err
}

func source(s *scripted, poll time.Duration) catchup.Source {
	s.empty = make(chan struct{}, 100)
	return catchup.Source{Read: s.read, Grown: &catchup.Broadcast{}, Poll: poll, Closed: make(chan struct{})}
}

func TestANotificationWakesASubscriptionLongBeforeThePoll(t *testing.T) {
	t.Parallel()
	s := &scripted{answers: []answer{{}, {positions: []event.Position{1, 2}}}}
	src := source(s, time.Hour)
	go func() {
		<-s.empty
		src.Grown.Notify()
	}()
	events, err := src.Subscribe(0).Next(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, events, 2)
}

func TestWithoutNotificationsASubscriptionPolls(t *testing.T) {
	t.Parallel()
	s := &scripted{answers: []answer{{}, {}, {positions: []event.Position{1}}}}
	events, err := source(s, time.Millisecond).Subscribe(0).Next(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
}

func TestAReadThatFailsIsRepeatedFromTheSamePlace(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	s := &scripted{answers: []answer{{positions: []event.Position{6, 7}}, {err: broken}, {positions: []event.Position{8}}}}
	subscription := source(s, time.Hour).Subscribe(5)
	_, err := subscription.Next(t.Context(), 2)
	require.NoError(t, err)
	_, err = subscription.Next(t.Context(), 2)
	require.ErrorIs(t, err, broken)
	_, err = subscription.Next(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, []event.Position{5, 7, 7}, s.after)
}

func TestAWaitEndsWithTheContextTheSubscriptionOrTheStore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	storeClosed := make(chan struct{})
	for _, c := range []struct {
		want error
		end  func(*catchup.Subscription)
	}{
		{context.Canceled, func(*catchup.Subscription) { cancel() }},
		{eventstore.ErrClosed, func(s *catchup.Subscription) { require.NoError(t, s.Close()) }},
		{eventstore.ErrClosed, func(*catchup.Subscription) { close(storeClosed) }},
	} {
		s := &scripted{}
		src := source(s, time.Hour)
		src.Closed = storeClosed
		subscription := src.Subscribe(0)
		failed := make(chan error)
		go func() {
			_, err := subscription.Next(ctx, 1)
			failed <- err
		}()
		<-s.empty
		c.end(subscription)
		require.ErrorIs(t, <-failed, c.want)
		ctx = context.WithoutCancel(ctx)
	}
}
