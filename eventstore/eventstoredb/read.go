package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

const (
	// pageSize is how many events one call reads at most, so that no call is open while a caller looks at events.
	pageSize = 1000
	// pageBytes is after how many bytes of payload a page is cut short, to bound its memory.
	pageBytes = 8 << 20
)

// ReadAll yields the events of the ledger as [eventstore.Store] promises, up to the head at the time of the call.
func (s *Store) ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		head, err := s.Head(ctx)
		for err == nil && after < head {
			var page []event.Envelope
			var next event.Position
			if page, next, err = s.page(ctx, after); err != nil {
				break
			}
			if next == after {
				err = fmt.Errorf("%w: the ledger ends at position %d, and its head was %d", eventstore.ErrDamaged, after, head)
				break
			}
			for _, e := range page {
				if e.Position > head || !yield(e, nil) {
					return
				}
			}
			after = next
		}
		if err != nil {
			yield(event.Envelope{}, err)
		}
	}
}

// page returns the next of our events after a position, and up to where they were looked for: after itself at the end.
func (s *Store) page(ctx context.Context, after event.Position) (page []event.Envelope, next event.Position, err error) {
	if err := s.checkOpen(ctx); err != nil {
		return nil, 0, err
	}
	events, _, err := s.read(ctx, s.allRequest(from(after), streams.ReadReq_Options_Forwards, pageSize))
	if err != nil {
		return nil, 0, s.failure(ctx, "read the ledger", err)
	}
	next = after
	for i, r := range events {
		position := event.Position(r.GetCommitPosition())
		if i == 0 && after > 0 && position == after { // the server begins with the event at the position
			continue
		}
		e, ours, err := s.codec.decode(r)
		if err == nil && ours && position <= next {
			err = fmt.Errorf("%w: position %d comes after %d", eventstore.ErrDamaged, position, next)
		}
		if err != nil {
			return nil, 0, s.failure(ctx, "read the ledger", err)
		}
		if ours {
			page = append(page, e)
		}
		next = max(next, position)
	}
	return page, next, nil
}

// ReadStream yields the events of a stream as [eventstore.Store] promises.
func (s *Store) ReadStream(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		for first := true; ; first = false {
			err := s.checkOpen(ctx)
			var page []event.Envelope
			more := false
			if err == nil {
				page, more, err = s.slice(ctx, stream, after, pageSize)
			}
			if err != nil {
				if errors.Is(err, eventstore.ErrStreamNotFound) && !first {
					err = fmt.Errorf("%w: %s was there and is gone", eventstore.ErrDamaged, stream)
				}
				yield(event.Envelope{}, s.failure(ctx, "read stream "+stream, err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if !more {
				return
			}
			after = page[len(page)-1].Revision
		}
	}
}

// slice returns the events of a stream that follow a revision, up to limit or as many as a page holds, and whether there may be more.
func (s *Store) slice(ctx context.Context, stream string, after event.Revision, limit int) (page []event.Envelope, more bool, err error) {
	events, more, err := s.read(ctx, s.streamRequest(stream, after, limit))
	if err != nil {
		return nil, false, err
	}
	for _, r := range events {
		after++
		e, ours, err := s.codec.decode(r)
		switch {
		case err != nil:
			return nil, false, err
		case !ours:
			return nil, false, fmt.Errorf("%w: revision %d of %s was not written by this program", eventstore.ErrDamaged, after, stream)
		case e.Revision != after:
			return nil, false, fmt.Errorf("%w: revision %d of %s is missing, %d comes next", eventstore.ErrDamaged, after, stream, e.Revision)
		}
		page = append(page, e)
	}
	return page, more, nil
}

// read makes one call and returns the events it answers, as many as asked for or as a page holds, and whether there may be more.
// A call that ends before, and otherwise than by the server's word that this is the end, has failed.
func (s *Store) read(ctx context.Context, request *streams.ReadReq) (events []*recorded, more bool, err error) {
	ctx, done := s.server.bounded(ctx, int(request.GetOptions().GetCount()))
	defer done()
	err = s.server.do(ctx, func(ctx context.Context, server streams.StreamsClient) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		events, more = nil, true
		call, err := server.Read(ctx, request)
		if err != nil {
			return err
		}
		for bytes := 0; bytes < pageBytes && uint64(len(events)) < request.GetOptions().GetCount(); {
			answer, err := call.Recv()
			if errors.Is(err, io.EOF) {
				more = false
				return nil
			}
			if err != nil {
				return translate(err, call.Trailer())
			}
			if answer.GetStreamNotFound() != nil {
				return eventstore.ErrStreamNotFound
			}
			if r := answer.GetEvent().GetEvent(); r != nil {
				events = append(events, r)
				bytes += len(r.GetData()) + len(r.GetCustomMetadata())
			}
		}
		return nil
	})
	return events, more, err
}

func (s *Store) streamRequest(stream string, after event.Revision, limit int) *streams.ReadReq {
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
			StreamIdentifier: s.codec.stream(stream),
			// The server counts from 0. It calculates with int64, where no stream comes near the end.
			RevisionOption: &streams.ReadReq_Options_StreamOptions_Revision{Revision: min(uint64(after), math.MaxInt64/2)},
		}},
		CountOption:  &streams.ReadReq_Options_Count{Count: uint64(limit)},
		FilterOption: &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}},
		UuidOption:   structuredIDs(),
	}}
}

func structuredIDs() *streams.ReadReq_Options_UUIDOption {
	return &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_Structured{Structured: &shared.Empty{}}}
}
