package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/eventstore"
)

// gate is a ledger whose appends wait until the test lets them through.
type gate struct {
	eventstore.Store
	arrived chan []event.Pending   // what each append brings
	through chan func(store) error // what becomes of it; nil: it is stored
}

type store func() error

func newGate(s eventstore.Store) *gate {
	return &gate{Store: s, arrived: make(chan []event.Pending), through: make(chan func(store) error)}
}

func (g *gate) Append(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (
	commit eventstore.Commit, err error) {
	g.arrived <- events
	storeIt := func() (err error) {
		commit, err = g.Store.Append(ctx, stream, expected, events)
		return err
	}
	if outcome := <-g.through; outcome != nil {
		err = outcome(storeIt)
	} else {
		err = storeIt()
	}
	if err != nil {
		return eventstore.Commit{}, err
	}
	return commit, nil
}

// fail lets an append fail with an error: nothing was stored.
func fail(with error) func(store) error { return func(store) error { return with } }

var errFull = errors.New("full")

// countUpTo refuses to count further than a limit.
func countUpTo(limit int) Decide[tally] {
	return func(c *tally, _ time.Time) ([]event.Payload, error) {
		if c != nil && c.count >= limit {
			return nil, errFull
		}
		return []event.Payload{counted{}}, nil
	}
}

// alone is the only instance on a ledger with a gate.
func alone(t *testing.T) (*Repository[tally], *gate) {
	t.Helper()
	g := newGate(openSQLite(t))
	r := instance(t, g)
	r.readIndex = nil
	return tallyRepository(t, r, "tally-"), g
}

// answer is what a command came to.
type answer struct {
	Result[tally]
	err error
}

// send starts a command and returns where its answer will be.
func send(t *testing.T, r *Repository[tally], id uuid.UUID, req Request, decide Decide[tally]) <-chan answer {
	t.Helper()
	answered := make(chan answer, 1)
	ctx := asSystem(t)
	go func() {
		result, err := r.Execute(ctx, req, id, decide)
		answered <- answer{result, err}
	}()
	return answered
}

// sendInFlight starts a command on an aggregate that has events in flight, and returns when the command's are too.
func sendInFlight(t *testing.T, r *Repository[tally], id uuid.UUID, req Request, decide Decide[tally]) <-chan answer {
	t.Helper()
	before := r.decidedOn(id)
	answered := send(t, r, id, req, decide)
	require.Eventually(t, func() bool { return r.decidedOn(id) > before }, time.Minute, time.Millisecond)
	return answered
}

// decidedOn returns how many events there are of an aggregate, those in flight included.
func (r *Repository[T]) decidedOn(id uuid.UUID) int {
	r.cache.mu.Lock()
	defer r.cache.mu.Unlock()
	f := r.cache.inFlight[id]
	if f == nil {
		return 0
	}
	return int(f.last.expected) + len(f.last.events)
}

func requireUnanswered(t *testing.T, answers ...<-chan answer) {
	t.Helper()
	for _, a := range answers {
		select {
		case early := <-a:
			require.Fail(t, "an answer that rests on what is not durable", "%+v", early)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestCommandsThatComeDuringAnAppendShareTheNextOne(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	first := send(t, r, id, Request{}, count)
	require.Len(t, <-g.arrived, 1)
	var others []<-chan answer
	for range 10 {
		others = append(others, sendInFlight(t, r, id, Request{}, count))
	}
	g.through <- nil
	require.Equal(t, 1, (<-first).State.count)
	require.Len(t, <-g.arrived, 10)
	requireUnanswered(t, others...)
	g.through <- nil
	for i, a := range others {
		answer := <-a
		require.NoError(t, answer.err)
		require.Equal(t, i+2, answer.State.count, "each is answered with the state after its own events")
		require.Equal(t, event.Revision(i+2), answer.Revision)
		require.Equal(t, event.Position(i+2), answer.Position)
		require.Equal(t, answer.Position, answer.Events[0].Position)
	}
	require.Empty(t, r.cache.inFlight)
}

func TestWhatCannotShareAnAppendWaitsForTheNextOne(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	large := func(*tally, time.Time) ([]event.Payload, error) {
		payloads := make([]event.Payload, maxGroupEvents-1)
		for i := range payloads {
			payloads[i] = counted{}
		}
		return payloads, nil
	}
	first := send(t, r, id, Request{}, count)
	<-g.arrived
	second := sendInFlight(t, r, id, Request{}, large)
	third := sendInFlight(t, r, id, Request{}, large)
	g.through <- nil
	for range 2 {
		require.Len(t, <-g.arrived, maxGroupEvents-1)
		g.through <- nil
	}
	require.Equal(t, 1, (<-first).State.count)
	require.Equal(t, maxGroupEvents, (<-second).State.count)
	require.Equal(t, 2*maxGroupEvents-1, (<-third).State.count)
}

func TestAnAnswerWithoutEventsWaitsForWhatItRestsOn(t *testing.T) {
	t.Parallel()
	for name, decide := range map[string]Decide[tally]{
		"a refusal": countUpTo(1),
		"as wished": func(c *tally, now time.Time) ([]event.Payload, error) {
			payloads, _ := countUpTo(1)(c, now)
			return payloads, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := alone(t)
			id := uuid.New()
			first := send(t, r, id, Request{}, decide)
			<-g.arrived
			second := send(t, r, id, Request{}, decide)
			requireUnanswered(t, first, second)
			g.through <- fail(eventstore.ErrBusy)
			require.ErrorIs(t, (<-first).err, eventstore.ErrBusy)
			<-g.arrived // the seat is free: the second command is decided again
			third := send(t, r, id, Request{}, decide)
			requireUnanswered(t, second, third)
			g.through <- nil
			require.Equal(t, 1, (<-second).State.count)
			last := <-third
			if name == "a refusal" {
				require.ErrorIs(t, last.err, errFull)
				return
			}
			require.NoError(t, last.err)
			require.Empty(t, last.Events)
			require.Equal(t, event.Position(1), last.Position)
			require.Equal(t, event.Position(1), last.State.track.Position)
		})
	}
}

func TestARepetitionWaitsForTheFirstCommand(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id, req := uuid.New(), Request{commandID: "k", hash: "h"}
	first := send(t, r, id, req, count)
	<-g.arrived
	again := send(t, r, id, req, count)
	requireUnanswered(t, again)
	g.through <- nil
	require.False(t, (<-first).Replayed)
	repeated := <-again
	require.NoError(t, repeated.err)
	require.True(t, repeated.Replayed)
	require.Equal(t, 1, repeated.State.count)
}

// Another instance appends as many events as the append that fails: those that rest on the failed one would be at their expected revision.
func TestNothingIsStoredThatRestsOnAnAppendWhichFailed(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"a conflict":         eventstore.ErrWrongExpectedRevision,
		"busy":               eventstore.ErrBusy,
		"an unknown outcome": eventstore.ErrUnavailable,
		"a closed store":     eventstore.ErrClosed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := alone(t)
			id := uuid.New()
			foreign := func(store) error {
				_, err := g.Store.Append(t.Context(), r.Prefix.Stream(id), 0, []event.Pending{
					{ID: uuid.New(), Type: counted{}.EventType(), RecordedAt: time.Now(), Data: []byte(`{}`)},
				})
				require.NoError(t, err)
				return fmt.Errorf("it failed: %w", failure)
			}
			first := send(t, r, id, Request{}, countUpTo(3))
			<-g.arrived
			others := []<-chan answer{
				sendInFlight(t, r, id, Request{}, countUpTo(3)), sendInFlight(t, r, id, Request{}, countUpTo(3)),
			}
			g.through <- foreign
			granted := 0
			serve(t, g, 5)
			for _, a := range append(others, first) {
				answer := <-a
				switch {
				case answer.err == nil:
					granted++
				case !errors.Is(answer.err, errFull) && !errors.Is(answer.err, failure):
					require.NoError(t, answer.err)
				}
			}
			state, err := r.Load(asSystem(t), id)
			require.NoError(t, err)
			require.Equal(t, 3, state.count)
			require.Equal(t, 2, granted)
		})
	}
}

// serve lets appends through, at most n, until the test ends.
func serve(t *testing.T, g *gate, n int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		for range n {
			select {
			case <-g.arrived:
				g.through <- nil
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
}

func TestACommandThatTheEngineCannotTakeFailsAlone(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	first := send(t, r, id, Request{}, count)
	<-g.arrived
	before := sendInFlight(t, r, id, Request{}, count)
	invalid := sendInFlight(t, r, id, Request{Correlation: "\x00"}, count)
	after := sendInFlight(t, r, id, Request{}, count)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		g.through <- nil
		for {
			select {
			case events := <-g.arrived:
				g.through <- func(storeIt store) error {
					for _, e := range events {
						if e.Correlation == "\x00" {
							return eventstore.ErrInvalidAppend
						}
					}
					return storeIt()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	require.ErrorIs(t, (<-invalid).err, eventstore.ErrInvalidAppend)
	for _, a := range []<-chan answer{first, before, after} {
		require.NoError(t, (<-a).err)
	}
	state, err := r.Load(asSystem(t), id)
	require.NoError(t, err)
	require.Equal(t, 3, state.count)
}

// What was decided later was not recorded earlier, even if the clock was set back meanwhile.
func TestEventsInFlightAreRecordedInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id, noon := uuid.New(), time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	r.now = func() time.Time { return noon }
	first := send(t, r, id, Request{}, count)
	<-g.arrived
	r.now = func() time.Time { return noon.Add(-time.Hour) }
	later := sendInFlight(t, r, id, Request{}, count)
	atPresent := sendInFlight(t, r, id, Request{atPresent: true}, count)
	afterwards := send(t, r, id, Request{}, count)
	g.through <- nil
	require.Len(t, <-g.arrived, 2, "nothing is decided on what is recorded at the present before it is durable")
	g.through <- nil
	require.Len(t, <-g.arrived, 1)
	g.through <- nil
	require.Equal(t, noon, (<-first).Events[0].RecordedAt)
	require.Equal(t, noon, (<-later).Events[0].RecordedAt)
	require.Equal(t, noon.Add(-time.Hour), (<-atPresent).Events[0].RecordedAt)
	require.Equal(t, noon, (<-afterwards).Events[0].RecordedAt)
}

func TestWaitingForWhatACommandRestsOnEndsWithTheContext(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	first := send(t, r, id, Request{}, countUpTo(1))
	<-g.arrived
	ctx, leave := context.WithCancel(asSystem(t))
	leave()
	_, err := r.Execute(ctx, Request{}, id, countUpTo(1))
	require.ErrorIs(t, err, context.Canceled)
	g.through <- nil
	require.NoError(t, (<-first).err)
}

func TestAnAppendThatPanicsFailsItsGroup(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	panicked := make(chan any, 1)
	go func() {
		defer func() { panicked <- recover() }()
		_, _ = r.Execute(asSystem(t), Request{}, id, count)
	}()
	<-g.arrived
	next := sendInFlight(t, r, id, Request{}, count)
	g.through <- func(store) error { panic("broken") }
	require.Equal(t, "broken", <-panicked)
	<-g.arrived
	g.through <- nil
	require.NoError(t, (<-next).err, "it is decided again")
}

// Another instance appends between an own append and the moment when this instance learns of its outcome.
func TestWhatIsInFlightHidesNothingThatTheReadIndexHasRead(t *testing.T) {
	t.Parallel()
	ledger := openSQLite(t)
	g := newGate(ledger)
	here, there := tallyRepository(t, instance(t, g), "tally-"), tallyRepository(t, instance(t, ledger), "tally-")
	id, ctx := uuid.New(), asSystem(t)
	first := send(t, here, id, Request{}, count)
	<-g.arrived
	stored, learn := make(chan struct{}), make(chan struct{})
	g.through <- func(storeIt store) error {
		err := storeIt()
		close(stored)
		<-learn
		return err
	}
	<-stored
	state, err := there.Load(ctx, id)
	require.NoError(t, err)
	require.Equal(t, 1, state.count)
	_, err = there.Execute(ctx, Request{}, id, count)
	require.NoError(t, err)
	require.NoError(t, here.readIndex.sync(ctx))
	close(learn)
	require.NoError(t, (<-first).err)

	state, err = here.Load(ctx, id)
	require.NoError(t, err)
	require.Equal(t, 2, state.count)
	_, err = there.Execute(ctx, Request{}, id, count)
	require.NoError(t, err)
	serve(t, g, 2)
	result, err := here.Execute(ctx, Request{}, id, count)
	require.NoError(t, err, "the first attempt comes too late")
	require.Equal(t, 4, result.State.count)
}

// A repetition is looked for after the revision that its claim names. That revision must not be one of events which are never stored.
func TestAKeyIsClaimedOnceWhatTheCommandRestsOnIsDurable(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	first := send(t, r, id, Request{}, count)
	<-g.arrived
	claim := &keyClaim{id: uuid.New(), command: "Count", commandID: "k", hash: "h"}
	keyed := send(t, r, id, Request{commandID: "k", hash: "h", claim: claim}, count)
	select {
	case early := <-g.arrived:
		require.Fail(t, "a claim that rests on what is not durable", "%s", early[0].Data)
	case <-time.After(10 * time.Millisecond):
	}
	g.through <- fail(eventstore.ErrBusy)
	require.ErrorIs(t, (<-first).err, eventstore.ErrBusy)
	claimed := <-g.arrived
	require.Equal(t, idempotency.KeyClaimedType, claimed[0].Type)
	require.NotContains(t, string(claimed[0].Data), "revision", "the stream does not exist")
	g.through <- nil
	<-g.arrived
	g.through <- nil
	require.Equal(t, 1, (<-keyed).State.count)
}

// An engine that hangs must not collect what clients send and no longer wait for.
func TestOnlySoMuchIsInFlight(t *testing.T) {
	t.Parallel()
	r, g := alone(t)
	id := uuid.New()
	wholeGroup := func(*tally, time.Time) ([]event.Payload, error) {
		payloads := make([]event.Payload, maxGroupEvents)
		for i := range payloads {
			payloads[i] = counted{}
		}
		return payloads, nil
	}
	answers := []<-chan answer{send(t, r, id, Request{}, wholeGroup)}
	<-g.arrived
	for range maxGroups - 1 {
		answers = append(answers, sendInFlight(t, r, id, Request{}, wholeGroup))
	}
	ctx, leave := context.WithTimeout(asSystem(t), 10*time.Millisecond)
	defer leave()
	for range 10 {
		_, err := r.Execute(ctx, Request{}, id, count)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.Equal(t, maxGroups*maxGroupEvents, r.decidedOn(id), "those who left have left nothing")
	stays := send(t, r, id, Request{}, count)
	serve(t, g, maxGroups+1)
	g.through <- nil
	for _, a := range answers {
		require.NoError(t, (<-a).err)
	}
	require.Equal(t, maxGroups*maxGroupEvents+1, (<-stays).State.count)
	require.Empty(t, r.cache.inFlight)
}
