package esdbdouble

import (
	"errors"
	"io"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type streamsService struct {
	streams.UnimplementedStreamsServer
	node *Server
}

// Append receives a whole append, stores it and answers.
func (s streamsService) Append(call streams.Streams_AppendServer) error {
	if err := s.node.requireLeader(call); err != nil {
		return err
	}
	first, err := call.Recv()
	if err != nil {
		return err
	}
	options := first.GetOptions()
	expected, err := expectedRevision(options)
	if err != nil {
		return err
	}
	cluster := s.node.cluster
	events, err := proposed(call, string(options.GetStreamIdentifier().GetStreamName()), cluster.appendLimit())
	if err != nil {
		return err
	}
	if err := cluster.beforeAppend(call.Context(), events); err != nil {
		return err
	}
	decided := cluster.append(expected, events, !cluster.forgetsIDs())
	if cluster.losesAnswer() {
		s.node.DropConnections()
		return status.Error(codes.Unavailable, "nobody hears this")
	}
	if err := cluster.beforeAnswer(call.Context()); err != nil {
		return err
	}
	if decided.conflict {
		return call.SendAndClose(conflict(options, decided.current))
	}
	return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(decided.current)},
		PositionOption: &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{
			CommitPosition: decided.last.position, PreparePosition: decided.last.position,
		}},
	}}})
}

// expectedRevision is noStream or the revision of a stream, which the protocol counts from 0.
func expectedRevision(options *streams.AppendReq_Options) (int64, error) {
	switch e := options.GetExpectedStreamRevision().(type) {
	case *streams.AppendReq_Options_NoStream:
		return noStream, nil
	case *streams.AppendReq_Options_Revision:
		if e.Revision <= math.MaxInt64 {
			return int64(e.Revision), nil
		}
		return 0, status.Error(codes.InvalidArgument, "the revision is out of range")
	}
	return 0, status.Error(codes.Unimplemented, "the double appends at an expected revision only")
}

// proposed receives the events of an append. One that is too large is refused as soon as that is known, without waiting for the rest.
func proposed(call streams.Streams_AppendServer, stream string, limit int) ([]*record, error) {
	var events []*record
	size := 0
	for {
		request, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		r, err := fromWire(stream, request.GetProposedMessage())
		if err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
		if size += r.size() - recordOverhead; size > limit {
			call.SetTrailer(metadata.Pairs("exception", "maximum-append-size-exceeded"))
			return nil, status.Errorf(codes.InvalidArgument, "Maximum Append Size of %d Exceeded.", limit)
		}
		events = append(events, r)
	}
	if len(events) == 0 {
		return nil, status.Error(codes.Unimplemented, "the double appends at least one event")
	}
	return events, nil
}

func conflict(options *streams.AppendReq_Options, current int64) *streams.AppendResp {
	wrong := &streams.AppendResp_WrongExpectedVersion{}
	if current == noStream {
		wrong.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: &shared.Empty{}}
	} else {
		wrong.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(current)}
	}
	if e, is := options.GetExpectedStreamRevision().(*streams.AppendReq_Options_Revision); is {
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: e.Revision}
	} else {
		wrong.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: &shared.Empty{}}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: wrong}}
}
