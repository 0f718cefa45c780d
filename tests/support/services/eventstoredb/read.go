package esdbdouble

import (
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// batch is how many records are taken from the log at once.
const batch = 64

// reading is one call of Read.
type reading struct {
	call   streams.Streams_ReadServer
	node   *Server
	filter filter
	ofAll  bool
	left   uint64 // how many events are still wanted
	sent   int
}

// Read answers all reads and subscriptions.
func (s streamsService) Read(request *streams.ReadReq, call streams.Streams_ReadServer) error {
	if err := s.node.requireLeader(call); err != nil {
		return err
	}
	options := request.GetOptions()
	filter, err := newFilter(options)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	r := &reading{
		call: call, node: s.node, filter: filter,
		ofAll: options.GetAll() != nil, left: options.GetCount(),
	}
	backwards := options.GetReadDirection() == streams.ReadReq_Options_Backwards
	switch {
	case options.GetStream() != nil && options.GetSubscription() == nil && !backwards:
		return r.stream(options.GetStream())
	case r.ofAll && options.GetSubscription() != nil && !backwards:
		return r.follow(options.GetAll())
	case r.ofAll && backwards:
		return r.backward(options.GetAll())
	case r.ofAll:
		return r.forward(options.GetAll())
	}
	return status.Error(codes.Unimplemented, "the double does not know this kind of read")
}

func (r *reading) stream(options *streams.ReadReq_Options_StreamOptions) error {
	if options.GetEnd() != nil {
		return status.Error(codes.Unimplemented, "the double reads streams forwards")
	}
	from := options.GetRevision()
	for {
		page, found := r.node.cluster.slice(string(options.GetStreamIdentifier().GetStreamName()), from, batch)
		if !found {
			return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
				StreamNotFound: &streams.ReadResp_StreamNotFound{StreamIdentifier: options.GetStreamIdentifier()},
			}})
		}
		if done, err := r.send(page); done || err != nil || len(page) < batch {
			return err
		}
		from += uint64(len(page))
	}
}

func (r *reading) forward(options *streams.ReadReq_Options_AllOptions) error {
	from, err := r.seek(options, false)
	if err != nil {
		return err
	}
	for {
		page, _ := r.node.cluster.forward(from, batch)
		if done, err := r.send(page); done || err != nil || len(page) == 0 {
			return err
		}
		from += place(len(page))
	}
}

func (r *reading) backward(options *streams.ReadReq_Options_AllOptions) error {
	from, err := r.seek(options, false)
	if err != nil {
		return err
	}
	for {
		page := r.node.cluster.backward(from, batch)
		if done, err := r.send(page); done || err != nil || len(page) == 0 {
			return err
		}
		from -= place(len(page))
	}
}

// follow confirms a subscription, sends what is there, and then what comes.
func (r *reading) follow(options *streams.ReadReq_Options_AllOptions) error {
	from, err := r.seek(options, true)
	if err != nil {
		return err
	}
	if err := r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}}); err != nil {
		return err
	}
	r.left = 1 << 63
	caughtUp, considered, inAll := false, 0, 0
	for {
		page, grown := r.node.cluster.forward(from, batch)
		if _, err := r.send(page); err != nil {
			return err
		}
		inAll += len(page)
		if considered += len(page); r.filter.checkpoint > 0 && considered >= r.filter.checkpoint {
			considered = 0
			last := page[len(page)-1].position
			if err := r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
				Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: last, PreparePosition: last},
			}}); err != nil {
				return err
			}
		}
		if from += place(len(page)); len(page) > 0 {
			continue
		}
		if !caughtUp {
			caughtUp = true
			r.node.cluster.isCaughtUp(inAll)
			if err := r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}}); err != nil {
				return err
			}
		}
		select {
		case <-grown:
		case <-r.call.Context().Done():
			return r.call.Context().Err()
		}
	}
}

func (r *reading) seek(options *streams.ReadReq_Options_AllOptions, after bool) (place, error) {
	switch at := options.GetAllOption().(type) {
	case *streams.ReadReq_Options_AllOptions_Start:
		return 0, nil
	case *streams.ReadReq_Options_AllOptions_End:
		return r.node.cluster.last(), nil
	case *streams.ReadReq_Options_AllOptions_Position:
		// A prepare position beyond the commit position would be after the event, one before it would not change anything.
		if at.Position.GetPreparePosition() != at.Position.GetCommitPosition() {
			return 0, status.Error(codes.Unimplemented, "the double reads $all from (p, p) only")
		}
		p, err := r.node.cluster.seek(at.Position.GetCommitPosition(), after)
		if err != nil {
			return 0, status.Error(codes.InvalidArgument, err.Error())
		}
		return p, nil
	}
	return 0, status.Error(codes.InvalidArgument, "a read of $all starts somewhere")
}

// send sends the records that pass the filter, until as many were sent as were wanted.
func (r *reading) send(page []*record) (done bool, err error) {
	for _, e := range page {
		if r.left == 0 {
			return true, nil
		}
		if !r.filter.passes(e) {
			continue
		}
		if r.node.cluster.isDamaged(e.position) {
			return false, status.Errorf(codes.Unknown, "Unexpected exception: the record at %d cannot be read", e.position)
		}
		if r.node.cluster.cuts(r.sent) {
			r.node.DropConnections()
			return false, status.Error(codes.Unavailable, "nobody hears this")
		}
		if err := r.call.Send(e.toWire(r.ofAll)); err != nil {
			return false, err
		}
		r.left--
		r.sent++
	}
	return r.left == 0, nil
}
