package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Append adds events to a stream as [eventstore.Store] promises.
func (s *Store) Append(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
	var none eventstore.Commit
	if err := s.checkOpen(ctx); err != nil {
		return none, err
	}
	if err := errors.Join(eventstore.Check(stream, events), eventstore.CheckText(stream, events), s.codec.checkName(stream)); err != nil {
		return none, err
	}
	messages, err := s.codec.encode(events)
	if err != nil {
		return none, err
	}
	if expected > math.MaxInt64 {
		return none, fmt.Errorf("%w: no stream is at revision %d", eventstore.ErrWrongExpectedRevision, expected)
	}
	if !s.appends.enter() {
		return none, eventstore.ErrClosed
	}
	defer s.appends.leave()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return none, eventstore.ErrBusy
	}

	doing := "append to " + stream
	refused := s.write(ctx, stream, expected, messages)
	if refused != nil && !errors.Is(refused, errWrongVersion) {
		return none, s.failure(ctx, doing, refused)
	}
	// The server's answer has the position of one event at most, and none when it knew the events already. And it may call a repeat
	// a conflict. What stands in the stream says which it was, and where each event is.
	stored, err := s.readAfter(ctx, stream, expected, len(events))
	if err != nil && !errors.Is(err, eventstore.ErrStreamNotFound) {
		return none, s.failure(ctx, doing, err)
	}
	switch {
	case same(events, stored):
		last := stored[len(stored)-1]
		return eventstore.Commit{Position: last.Position, Revision: last.Revision, Events: stored}, nil
	case refused != nil:
		return none, fmt.Errorf("%w: %s at %d", eventstore.ErrWrongExpectedRevision, stream, expected)
	}
	return none, fmt.Errorf("%s: %w: what was stored is not there", doing, eventstore.ErrDamaged)
}

// readAfter returns the events that follow a revision of a stream, up to n.
func (s *Store) readAfter(ctx context.Context, stream string, after event.Revision, n int) ([]event.Envelope, error) {
	var events []event.Envelope
	for more := true; more && len(events) < n; {
		var page []event.Envelope
		var err error
		if page, more, err = s.slice(ctx, stream, after+event.Revision(len(events)), n-len(events)); err != nil {
			return nil, err
		}
		events = append(events, page...)
	}
	return events, nil
}

// same tells whether the events that stand in the stream are those of the append.
func same(given []event.Pending, stored []event.Envelope) bool {
	if len(given) != len(stored) {
		return false
	}
	for i := range given {
		if given[i].ID != stored[i].ID {
			return false
		}
	}
	return true
}

// write sends an append. It fails with errWrongVersion when the server refuses it.
func (s *Store) write(ctx context.Context, stream string, expected event.Revision, messages []*proposed) error {
	options := &streams.AppendReq_Options{StreamIdentifier: s.codec.stream(stream)}
	if expected == 0 {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_NoStream{NoStream: &shared.Empty{}}
	} else {
		options.ExpectedStreamRevision = &streams.AppendReq_Options_Revision{Revision: uint64(expected) - 1}
	}
	ctx, done := s.server.bounded(ctx, len(messages))
	defer done()
	return s.server.do(ctx, func(ctx context.Context, server streams.StreamsClient) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		call, err := server.Append(ctx)
		if err != nil {
			return err
		}
		err = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: options}})
		for _, m := range messages {
			if err != nil {
				break
			}
			err = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}})
		}
		// A server that has already answered ends the sending with io.EOF: its answer is what counts.
		if err != nil && !errors.Is(err, io.EOF) {
			return translate(err, nil)
		}
		answer, err := call.CloseAndRecv()
		switch {
		case err != nil:
			return translate(err, call.Trailer())
		case answer.GetWrongExpectedVersion() != nil:
			return errWrongVersion
		case answer.GetSuccess() == nil:
			return errors.New("the server's answer to an append says neither yes nor no")
		}
		return nil
	})
}
