package eventstoredb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"
)

func TestAnAppendThatWasStoredAndNotAnsweredIsUnavailableAndStoredOnceWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	before := fill(t, store, "license-1", 2)
	events := happened(3)

	double.LoseAnswers(1)
	_, err := store.Append(t.Context(), "license-1", 2, events)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	commit := untilAvailable(t, func() (eventstore.Commit, error) { return store.Append(t.Context(), "license-1", 2, events) })
	require.Equal(t, event.Revision(5), commit.Revision)
	require.Equal(t, append(before, commit.Events...), all(t, store))

	// Somebody who read the old revision is refused all the same.
	_, err = store.Append(t.Context(), "license-1", 2, happened(1))
	require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision)
}

func TestAnAppendThatTheServerDoesNotRecognizeIsStillRecognized(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	events := happened(3)
	first, err := store.Append(t.Context(), "license-1", 0, events)
	require.NoError(t, err)
	double.ForgetIDs()
	again, err := store.Append(t.Context(), "license-1", 0, events)
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = store.Append(t.Context(), "license-1", 0, append(events[:2:2], happened(1)...))
	require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision)
	require.Equal(t, first.Events, all(t, store))
}

func TestAnAppendThatIsNotAnsweredInTimeIsUnavailableAndStoredOnceWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL()+"&defaultDeadline=1000")
	events := happened(3)

	release := double.HoldAnswers()
	_, err := store.Append(t.Context(), "license-1", 0, events)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	release()
	commit := untilAvailable(t, func() (eventstore.Commit, error) { return store.Append(t.Context(), "license-1", 0, events) })
	require.Equal(t, commit.Events, all(t, store))
}

func TestAnAppendThatIsAnsweredLateIsAcknowledged(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	release := double.HoldAnswers()
	acknowledged := make(chan error)
	go func() {
		_, err := store.Append(t.Context(), "license-1", 0, happened(1))
		acknowledged <- err
	}()
	_, err := openSubscription(t, store).Next(t.Context(), 1) // it is stored
	require.NoError(t, err)
	select {
	case <-acknowledged:
		require.Fail(t, "acknowledged before the server said so")
	default:
	}
	release()
	require.NoError(t, <-acknowledged)
}

func TestAReadThatIsCutIsAnErrorAndNeverAnEarlyEnd(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	events := fill(t, store, "license-1", 1200)
	for what, read := range map[string]func() ([]event.Envelope, error){
		"ledger": func() ([]event.Envelope, error) { return collect(store.ReadAll(t.Context(), 0)) },
		"stream": func() ([]event.Envelope, error) { return collect(store.ReadStream(t.Context(), "license-1", 0)) },
	} {
		for _, sent := range []int{2, 500, 999} {
			double.CutRead(sent)
			part, err := read()
			require.ErrorIs(t, err, eventstore.ErrUnavailable, what)
			require.NotErrorIs(t, err, eventstore.ErrStreamNotFound, what)
			require.Equal(t, append([]event.Envelope(nil), events[:len(part)]...), part, what)
			require.Equal(t, events, untilAvailable(t, read), what)
		}
	}
}

func TestASubscriptionThatIsCutGoesOnWithoutAGapOrADouble(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	subscription := openSubscription(t, store)

	events := fill(t, store, "license-1", 3000)
	double.CutRead(1500)
	got, failures := follow(t, subscription, len(events))
	require.Equal(t, events, got)
	require.NotZero(t, failures)

	// Cut while it waits, with appends in between.
	waiting := make(chan error)
	go func() {
		_, err := subscription.Next(t.Context(), 100)
		waiting <- err
	}()
	double.DropConnections()
	require.ErrorIs(t, <-waiting, eventstore.ErrUnavailable)
	later := untilAvailable(t, func() (eventstore.Commit, error) { return store.Append(t.Context(), "license-1", 3000, happened(5)) }).Events
	got, _ = follow(t, subscription, len(later))
	require.Equal(t, later, got)
	for n, considered := 0, 0; n < 2; { // the last subscription began where the one before it ended
		if n, considered = double.CaughtUp(); n == 2 {
			require.Less(t, considered, 100)
		}
	}
}

func TestASubscriptionGoesOnFromWhereTheServerSaidItIsHoweverMuchOthersWrote(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	first := fill(t, store, "license-1", 1)
	const others = 9000
	connectOther(t, double).append(t, "somebody-else", 0, "something", `{}`, others)
	subscription := openSubscription(t, store)
	got, _ := follow(t, subscription, 1)
	require.Equal(t, first, got)
	for now := 0; now == 0; {
		now, _ = double.CaughtUp()
	}
	double.DropConnections()
	_, err := subscription.Next(t.Context(), 100)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)

	// Some checkpoints get lost with the connection, so it may take a few attempts until one is heard.
	considered := others
	for attempts := 0; considered > others/2+500; attempts++ {
		require.Less(t, attempts, 100, "it begins at the last event each time")
		before, _ := double.CaughtUp()
		waiting := make(chan error)
		go func() {
			_, err := subscription.Next(t.Context(), 100)
			waiting <- err
		}()
		for now := before; now == before; {
			now, considered = double.CaughtUp()
		}
		double.DropConnections()
		require.ErrorIs(t, <-waiting, eventstore.ErrUnavailable)
	}
	second := untilAvailable(t, func() (eventstore.Commit, error) { return store.Append(t.Context(), "license-1", 1, happened(1)) }).Events
	got, _ = follow(t, subscription, 1)
	require.Equal(t, second, got)
}

func TestAStoreSurvivesAnOutageHoweverLong(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	for what, url := range map[string]string{"one server": double.URL(), "a cluster": double.ClusterURL()} {
		store := openStore(t, url)
		subscription := openSubscription(t, store)
		before := all(t, store)

		double.Down()
		failed := make(chan error)
		const calls = 40 // the vendor's client is dead for good after ten
		for range calls {
			go func() {
				_, err := store.Append(t.Context(), "license-"+what, 0, happened(1))
				failed <- err
			}()
		}
		for range calls {
			require.ErrorIs(t, <-failed, eventstore.ErrUnavailable)
		}
		_, err := collect(store.ReadAll(t.Context(), 0))
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
		_, err = store.Head(t.Context())
		require.ErrorIs(t, err, eventstore.ErrUnavailable)

		require.NoError(t, double.Up())
		events := untilAvailable(t, func() (eventstore.Commit, error) {
			return store.Append(t.Context(), "license-"+what, 0, happened(2))
		}).Events
		require.Equal(t, append(before, events...), all(t, store))
		got, _ := follow(t, subscription, len(before)+len(events))
		require.Equal(t, append(before, events...), got)
	}
}

func TestAnAppendThatTheServerFindsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	double.LimitAppends(100_000)
	// The server refuses the larger one long before it is sent.
	for _, n := range []int{1000, 16_000} {
		_, err := store.Append(t.Context(), "license-1", 0, happened(n))
		require.ErrorIs(t, err, eventstore.ErrInvalidAppend)
	}
	require.Empty(t, all(t, store))
	fill(t, store, "license-1", 10)
}

func openSubscription(t testing.TB, store *eventstoredb.Store) eventstore.Subscription {
	t.Helper()
	subscription, err := store.Subscribe(t.Context(), 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, subscription.Close()) })
	return subscription
}
