package esdbdouble_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	esdbdouble "github.com/licenseledger/licenseledger/tests/support/services/eventstoredb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The vendor's own client is the judge of the protocol: it knows nothing of the double.
func connect(t *testing.T) *esdb.Client {
	t.Helper()
	double, err := esdbdouble.Start()
	require.NoError(t, err)
	t.Cleanup(double.Stop)
	config, err := esdb.ParseConnectionString(double.URL())
	require.NoError(t, err)
	config.Logger = nil
	client, err := esdb.NewClient(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

func proposed(n int) []esdb.EventData {
	events := make([]esdb.EventData, n)
	for i := range events {
		events[i] = esdb.EventData{
			EventID: uuid.New(), EventType: "happened", ContentType: esdb.ContentTypeJson, Data: fmt.Appendf(nil, `{"n":%d}`, i),
		}
	}
	return events
}

func mustAppend(t *testing.T, client *esdb.Client, stream string, expected esdb.ExpectedRevision,
	events []esdb.EventData) *esdb.WriteResult {
	t.Helper()
	result, err := client.AppendToStream(t.Context(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
	require.NoError(t, err)
	return result
}

func drain(t *testing.T, read *esdb.ReadStream, err error) (events []*esdb.RecordedEvent) {
	t.Helper()
	require.NoError(t, err)
	defer read.Close()
	for {
		e, err := read.Recv()
		if errors.Is(err, io.EOF) {
			return events
		}
		require.NoError(t, err)
		events = append(events, e.Event)
	}
}

func TestTheVendorsClientAppendsAndReads(t *testing.T) {
	t.Parallel()
	client := connect(t)
	given := proposed(3)
	result := mustAppend(t, client, "order-1", esdb.NoStream{}, given)
	require.Equal(t, uint64(2), result.NextExpectedVersion)

	read, err := client.ReadStream(t.Context(), "order-1", esdb.ReadStreamOptions{}, 100)
	events := drain(t, read, err)
	require.Len(t, events, 3)
	for i, e := range events {
		require.Equal(t, given[i].EventID, e.EventID)
		require.Equal(t, given[i].Data, e.Data)
		require.Equal(t, "happened", e.EventType)
		require.Equal(t, uint64(i), e.EventNumber)
		require.Equal(t, events[0].Position.Commit, e.Position.Prepare)
	}
	require.Equal(t, result.CommitPosition, events[2].Position.Commit)
	require.Less(t, events[0].Position.Commit, events[1].Position.Commit)
	require.Less(t, events[1].Position.Commit, events[2].Position.Commit)

	read, err = client.ReadStream(t.Context(), "order-2", esdb.ReadStreamOptions{}, 100)
	require.NoError(t, err)
	_, err = read.Recv()
	failed := &esdb.Error{}
	require.ErrorAs(t, err, &failed)
	require.Equal(t, esdb.ErrorCodeResourceNotFound, failed.Code())
}

func TestAnAppendIsCheckedAndRecognizedByItsEventIDs(t *testing.T) {
	t.Parallel()
	client := connect(t)
	given := proposed(3)
	first := mustAppend(t, client, "order-1", esdb.NoStream{}, given)
	mustAppend(t, client, "order-1", esdb.Revision(2), proposed(1))
	require.Equal(t, first, mustAppend(t, client, "order-1", esdb.NoStream{}, given))

	for what, events := range map[string][]esdb.EventData{
		"others": proposed(1), "more": append(given[:3:3], proposed(2)...), "some": {given[0], given[2]},
	} {
		_, err := client.AppendToStream(t.Context(), "order-1", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, events...)
		failed := &esdb.Error{}
		require.ErrorAs(t, err, &failed, what)
		require.Equal(t, esdb.ErrorCodeWrongExpectedVersion, failed.Code(), what)
	}
	read, err := client.ReadStream(t.Context(), "order-1", esdb.ReadStreamOptions{}, 100)
	require.Len(t, drain(t, read, err), 4)
}

func TestAllIsReadFromAnEventOnAndBackwardsFromBeforeIt(t *testing.T) {
	t.Parallel()
	client := connect(t)
	mustAppend(t, client, "order-1", esdb.NoStream{}, proposed(3))
	read, err := client.ReadAll(t.Context(), esdb.ReadAllOptions{}, 100)
	events := drain(t, read, err)
	require.Len(t, events, 4)
	require.Equal(t, "$user-admin", events[0].StreamID)

	second := esdb.Position{Commit: events[1].Position.Commit, Prepare: events[1].Position.Commit}
	read, err = client.ReadAll(t.Context(), esdb.ReadAllOptions{From: second}, 100)
	require.Equal(t, events[1:], drain(t, read, err))
	read, err = client.ReadAll(t.Context(), esdb.ReadAllOptions{From: second, Direction: esdb.Backwards}, 100)
	require.Equal(t, events[:1], drain(t, read, err))

	nowhere := esdb.Position{Commit: second.Commit + 1, Prepare: second.Commit + 1}
	read, err = client.ReadAll(t.Context(), esdb.ReadAllOptions{From: nowhere}, 100)
	require.NoError(t, err)
	_, err = read.Recv()
	require.Error(t, err)
	require.NotErrorIs(t, err, io.EOF)
}

func TestASubscriptionIsConfirmedThenCatchesUpThenIsLive(t *testing.T) {
	t.Parallel()
	client := connect(t)
	mustAppend(t, client, "order-1", esdb.NoStream{}, proposed(2))
	subscription, err := client.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{
		From: esdb.Start{}, MaxSearchWindow: 64, CheckpointInterval: 1, Filter: esdb.ExcludeSystemEventsFilter(),
	})
	require.NoError(t, err)
	require.NotEmpty(t, subscription.Id())
	defer func() { require.NoError(t, subscription.Close()) }()

	var events, checkpoints int
	for caughtUp := false; events < 102; {
		switch e := subscription.Recv(); {
		case e.EventAppeared != nil:
			require.Equal(t, caughtUp, events >= 2)
			require.NotContains(t, e.EventAppeared.Event.StreamID, "$")
			events++
		case e.CheckPointReached != nil:
			checkpoints++
		case e.CaughtUp != nil:
			caughtUp = true
			mustAppend(t, client, "order-1", esdb.Revision(1), proposed(100))
		default:
			require.Fail(t, "dropped", "%+v", e.SubscriptionDropped)
		}
	}
	require.NotZero(t, checkpoints)
}
