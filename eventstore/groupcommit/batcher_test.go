package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is a ledger whose commits wait until the test lets them through.
type engine struct {
	begun   chan []groupcommit.Append // each batch as it is taken up
	finish  chan error                // what becomes of it
	batcher *groupcommit.Batcher
}

func start(t *testing.T, capacity int) *engine {
	t.Helper()
	e := &engine{begun: make(chan []groupcommit.Append), finish: make(chan error)}
	e.batcher = groupcommit.NewBatcher(capacity, func(batch []groupcommit.Append) ([]groupcommit.Outcome, error) {
		e.begun <- batch
		if err := <-e.finish; err != nil {
			return nil, err
		}
		return make([]groupcommit.Outcome, len(batch)), nil
	})
	t.Cleanup(e.batcher.Close)
	return e
}

// append starts an append and returns where its error will be.
func (e *engine) append(ctx context.Context, stream string, events []event.Pending) <-chan error {
	failed := make(chan error, 1)
	go func() {
		_, err := e.batcher.Append(ctx, stream, 0, events)
		failed <- err
	}()
	return failed
}

// stall has the writer busy with a batch, so that what is appended next stays in the queue.
func (e *engine) stall(t *testing.T) (resume func()) {
	t.Helper()
	stalled := e.append(t.Context(), "stalled", occurred(1))
	<-e.begun
	return func() {
		e.finish <- nil
		require.NoError(t, <-stalled)
	}
}

// fill appends until one is refused as busy, and returns the others: they are in the queue.
func (e *engine) fill(t *testing.T, capacity, size int) (queued []<-chan error) {
	t.Helper()
	all := make(chan error, capacity+1)
	for i := range capacity + 1 {
		failed := e.append(t.Context(), fmt.Sprintf("queued-%d", i), occurred(size))
		single := make(chan error, 1)
		go func() {
			err := <-failed
			single <- err // first, so that it is there when the test looks for the one that was refused
			all <- err
		}()
		queued = append(queued, single)
	}
	require.ErrorIs(t, <-all, eventstore.ErrBusy)
	for i, failed := range queued {
		select {
		case err := <-failed:
			require.ErrorIs(t, err, eventstore.ErrBusy)
			return append(queued[:i], queued[i+1:]...)
		default:
		}
	}
	return nil
}

func occurred(n int) []event.Pending {
	events := make([]event.Pending, n)
	for i := range events {
		events[i] = event.Pending{ID: uuid.Must(uuid.NewV7()), Type: "test.happened.v1"}
	}
	return events
}

func TestAppendsThatWaitShareTheNextCommitUpToTheLimit(t *testing.T) {
	t.Parallel()
	const waiting = groupcommit.MaxAppendsPerBatch + 10
	e := start(t, waiting)
	resume := e.stall(t)
	queued := e.fill(t, waiting, 1)
	resume()
	for _, size := range []int{groupcommit.MaxAppendsPerBatch, 10} {
		require.Len(t, <-e.begun, size)
		e.finish <- nil
	}
	for _, failed := range queued {
		require.NoError(t, <-failed)
	}
}

func TestLargeAppendsDoNotShareACommitBeyondItsLimitOfEvents(t *testing.T) {
	t.Parallel()
	e := start(t, 3)
	resume := e.stall(t)
	queued := e.fill(t, 3, groupcommit.MaxEventsPerBatch/2)
	resume()
	for _, size := range []int{2, 1} {
		require.Len(t, <-e.begun, size)
		e.finish <- nil
	}
	for _, failed := range queued {
		require.NoError(t, <-failed)
	}
}

func TestAQueueIsFullOfEventsBeforeItIsFullOfAppends(t *testing.T) {
	t.Parallel()
	e := start(t, 1000)
	resume := e.stall(t)
	queued := e.fill(t, 8, groupcommit.MaxEventsPerBatch)
	resume()
	for range queued {
		require.Len(t, <-e.begun, 1)
		e.finish <- nil
	}
	require.Len(t, queued, 8)
}

func TestAnAppendWhoseContextEndsInTheQueueIsWithdrawn(t *testing.T) {
	t.Parallel()
	e := start(t, 2)
	resume := e.stall(t)
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn := make([]<-chan error, 2)
	for i := range withdrawn {
		withdrawn[i] = e.append(ctx, "withdrawn", occurred(1))
	}
	// Both are in the queue when it has no room for a third.
	for full := false; !full; {
		probe, stop := context.WithCancel(t.Context())
		refused := e.append(probe, "probe", occurred(1))
		stop()
		full = errors.Is(<-refused, eventstore.ErrBusy)
	}
	cancel()
	for _, failed := range withdrawn {
		require.ErrorIs(t, <-failed, context.Canceled)
	}
	kept := e.append(t.Context(), "kept", occurred(1))
	resume()
	batch := <-e.begun
	e.finish <- nil
	require.Len(t, batch, 1)
	require.Equal(t, "kept", batch[0].Stream)
	require.NoError(t, <-kept)
}

func TestAWithdrawnAppendLeavesItsRoomInTheQueue(t *testing.T) {
	t.Parallel()
	e := start(t, 9)
	resume := e.stall(t)
	// Eight appends of this size fill the queue; many more than that come and go.
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		withdrawn := e.append(ctx, "withdrawn", occurred(groupcommit.MaxEventsPerBatch))
		cancel()
		require.ErrorIs(t, <-withdrawn, context.Canceled)
	}
	queued := e.fill(t, 8, groupcommit.MaxEventsPerBatch)
	resume()
	for range queued {
		<-e.begun
		e.finish <- nil
	}
}

func TestAnAppendWhoseContextEndsDuringItsCommitReturnsAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	failed := e.append(ctx, "license-1", occurred(1))
	require.Len(t, <-e.begun, 1)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	e.finish <- nil
}

func TestABatchThatCannotBeWrittenFailsEachOfItsAppendsWithTheCause(t *testing.T) {
	t.Parallel()
	e := start(t, 5)
	resume := e.stall(t)
	queued := e.fill(t, 5, 1)
	resume()
	<-e.begun
	broken := errors.New("the disk is full")
	e.finish <- broken
	for _, failed := range queued {
		err := <-failed
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
		require.ErrorIs(t, err, broken)
	}
	again := e.append(t.Context(), "license-1", occurred(1))
	<-e.begun
	e.finish <- nil
	require.NoError(t, <-again)
}

func TestAnEngineThatForgetsAnOutcomeFailsTheBatch(t *testing.T) {
	t.Parallel()
	batcher := groupcommit.NewBatcher(1, func([]groupcommit.Append) ([]groupcommit.Outcome, error) { return nil, nil })
	t.Cleanup(batcher.Close)
	_, err := batcher.Append(t.Context(), "license-1", 0, occurred(1))
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
}

func TestClosingFinishesWhatWasTakenUpAndRefusesWhatWaits(t *testing.T) {
	t.Parallel()
	e := start(t, 3)
	resume := e.stall(t)
	queued := e.fill(t, 3, 1)
	closed := make(chan struct{})
	go func() {
		e.batcher.Close()
		close(closed)
	}()
	for _, failed := range queued {
		require.ErrorIs(t, <-failed, eventstore.ErrClosed)
	}
	select {
	case <-closed:
		require.Fail(t, "closed before the commit had ended")
	default:
	}
	resume()
	<-closed
	_, err := e.batcher.Append(t.Context(), "license-1", 0, occurred(1))
	require.ErrorIs(t, err, eventstore.ErrClosed)
	e.batcher.Close()
}

func TestAppendsOfOneCallAreInOneBatchInTheirOrder(t *testing.T) {
	t.Parallel()
	e := start(t, 1000)
	resume := e.stall(t)
	var single []<-chan error
	for range groupcommit.MaxAppendsPerBatch - 1 {
		single = append(single, e.append(t.Context(), "another", occurred(1)))
	}
	group := []groupcommit.Append{
		{Stream: "b", Events: occurred(1)}, {Stream: "a", Events: occurred(2)}, {Stream: "b", Expected: 1, Events: occurred(1)},
	}
	together := make(chan error, 1)
	go func() { together <- e.batcher.AppendInOrder(t.Context(), group) }()
	resume()
	var found bool
	for answered := 0; answered < len(single)+1; {
		batch := <-e.begun
		require.LessOrEqual(t, len(batch), groupcommit.MaxAppendsPerBatch)
		for i, a := range batch {
			answered++
			if a.Stream == "b" && !found {
				found = true
				require.Equal(t, group, batch[i:i+3], "nothing stands between them")
				answered -= 2
			}
		}
		e.finish <- nil
	}
	require.True(t, found)
	require.NoError(t, <-together)
	for _, s := range single {
		require.NoError(t, <-s)
	}
}

func TestTooManyAppendsForOneCommitAreRefused(t *testing.T) {
	t.Parallel()
	e := start(t, 1000)
	require.ErrorIs(t, e.batcher.AppendInOrder(t.Context(), make([]groupcommit.Append, groupcommit.MaxAppendsPerBatch+1)),
		eventstore.ErrInvalidAppend)
}
