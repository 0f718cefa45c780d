package eventstoredb_test

import (
	"context"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	esdbdouble "github.com/licenseledger/licenseledger/tests/support/services/eventstoredb"
)

func happened(n int) []event.Pending {
	events := make([]event.Pending, n)
	for i := range events {
		events[i] = event.Pending{
			ID: uuid.Must(uuid.NewV7()), Type: "test.happened.v1",
			Data: []byte(`{"note":"as large as a typical event of a license, about a hundred bytes"}`),
		}
	}
	return events
}

func fill(t testing.TB, store eventstore.Store, stream string, n int) []event.Envelope {
	t.Helper()
	commit, err := store.Append(t.Context(), stream, 0, happened(n))
	require.NoError(t, err)
	return commit.Events
}

func all(t testing.TB, store eventstore.Store) []event.Envelope {
	t.Helper()
	events, err := collect(store.ReadAll(t.Context(), 0))
	require.NoError(t, err)
	return events
}

func collect(sequence func(yield func(event.Envelope, error) bool)) (events []event.Envelope, failed error) {
	for e, err := range sequence {
		if failed = err; err == nil {
			events = append(events, e)
		}
	}
	return events, failed
}

// untilAvailable repeats something for as long as it fails because the store is unavailable.
func untilAvailable[R any](t testing.TB, do func() (R, error)) R {
	t.Helper()
	for {
		result, err := do()
		if err == nil {
			return result
		}
		require.ErrorIs(t, err, eventstore.ErrUnavailable)
	}
}

// follow takes n events from a subscription, whatever goes wrong on the way, and counts how often something did.
func follow(t testing.TB, subscription eventstore.Subscription, n int) (events []event.Envelope, failures int) {
	t.Helper()
	for len(events) < n {
		next, err := subscription.Next(t.Context(), 100)
		if err != nil {
			require.ErrorIs(t, err, eventstore.ErrUnavailable)
			failures++
		}
		events = append(events, next...)
	}
	return events, failures
}

// other is another program that uses the server.
type other struct{ streams.StreamsClient }

func connectOther(t testing.TB, double *esdbdouble.Server) other {
	t.Helper()
	conn, err := grpc.NewClient(double.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return other{streams.NewStreamsClient(conn)}
}

// append writes n events of a type to the end of a stream of some length.
func (o other) append(t testing.TB, stream string, length uint64, eventType, metadata string, n int) {
	t.Helper()
	call, err := o.Append(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	options := &streams.AppendReq_Options{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}}
	if length == 0 {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	} else {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: length - 1}
	}
	require.NoError(t, call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}}))
	for range n {
		require.NoError(t, call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{
			ProposedMessage: &streams.AppendReq_ProposedMessage{
				Id:             &shared.UUID{Value: &shared.UUID_String_{String_: uuid.NewString()}},
				Metadata:       map[string]string{"type": eventType, "content-type": "application/json"},
				CustomMetadata: []byte(metadata),
				Data:           []byte(`{}`),
			},
		}}))
	}
	answer, err := call.CloseAndRecv()
	require.NoError(t, err)
	require.NotNil(t, answer.GetSuccess())
}

// read returns what the server holds of a stream.
func (o other) read(t testing.TB, stream string) (events []*streams.ReadResp_ReadEvent_RecordedEvent) {
	t.Helper()
	call, err := o.Read(t.Context(), &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			RevisionOption:   &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: 100},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
	}})
	require.NoError(t, err)
	for {
		answer, err := call.Recv()
		if err != nil {
			return events
		}
		events = append(events, answer.GetEvent().GetEvent())
	}
}
