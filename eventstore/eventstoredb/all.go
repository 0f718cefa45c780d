package eventstoredb

import (
	"context"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"

	"github.com/licenseledger/licenseledger/domain/event"
)

const (
	// searchWindow is how many events of $all the server filters at a time.
	searchWindow = 1000
	// checkpointEvery is after how many windows without an event of ours a subscription is told how far it is.
	checkpointEvery = 4
)

// from is where a read of $all begins.
func from(after event.Position) *streams.ReadReq_Options_AllOptions {
	if after == 0 {
		return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}
	}
	return at(uint64(after), uint64(after))
}

func at(commit, prepare uint64) *streams.ReadReq_Options_AllOptions {
	return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Position{
		Position: &streams.ReadReq_Options_Position{CommitPosition: commit, PreparePosition: prepare},
	}}
}

func fromEnd() *streams.ReadReq_Options_AllOptions {
	return &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}}
}

// allRequest reads $all without the database's own streams.
func (s *Store) allRequest(
	start *streams.ReadReq_Options_AllOptions, direction streams.ReadReq_Options_ReadDirection, limit int,
) *streams.ReadReq {
	return &streams.ReadReq{Options: &streams.ReadReq_Options{
		StreamOption:  &streams.ReadReq_Options_All{All: start},
		ReadDirection: direction,
		CountOption:   &streams.ReadReq_Options_Count{Count: uint64(limit)},
		FilterOption:  &streams.ReadReq_Options_Filter{Filter: s.codec.filter()},
		UuidOption:    structuredIDs(),
	}}
}

// followRequest subscribes to the same.
func (s *Store) followRequest(start *streams.ReadReq_Options_AllOptions) *streams.ReadReq {
	r := s.allRequest(start, streams.ReadReq_Options_Forwards, 0)
	r.Options.CountOption = &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	return r
}

func (c codec) filter() *streams.ReadReq_Options_FilterOptions {
	names := &streams.ReadReq_Options_FilterOptions_Expression{Regex: `^[^\$]`}
	if c.prefix != "" {
		names = &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{c.prefix}}
	}
	return &streams.ReadReq_Options_FilterOptions{
		Filter:                       &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: names},
		Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: searchWindow},
		CheckpointIntervalMultiplier: checkpointEvery,
	}
}

// headCache remembers where $all ended when the head was looked for the last time.
type headCache struct{ end, head event.Position }

// Head returns the position of the last event of ours. When that is also the last of the server, or nothing has happened since the
// last call, it costs one short read; else the server searches back over what others wrote since.
func (s *Store) Head(ctx context.Context) (event.Position, error) {
	if err := s.checkOpen(ctx); err != nil {
		return 0, err
	}
	head, err := s.head(ctx)
	if err != nil {
		return 0, s.failure(ctx, "read the head", err)
	}
	return head, nil
}

func (s *Store) head(ctx context.Context) (event.Position, error) {
	last := s.allRequest(fromEnd(), streams.ReadReq_Options_Backwards, 1)
	last.Options.FilterOption = &streams.ReadReq_Options_NoFilter{NoFilter: &shared.Empty{}}
	events, _, err := s.read(ctx, last)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	e, ours, err := s.codec.decode(events[0])
	if err != nil || ours {
		return e.Position, err
	}
	end := event.Position(events[0].GetCommitPosition())
	if known := s.newest.Load(); known != nil && known.end == end {
		return known.head, nil
	}
	head, err := s.searchHead(ctx)
	if err == nil {
		s.newest.Store(&headCache{end: end, head: head})
	}
	return head, err
}

// searchHead reads back to the last event of ours, in growing steps.
func (s *Store) searchHead(ctx context.Context) (event.Position, error) {
	start, limit := fromEnd(), 1
	for {
		events, _, err := s.read(ctx, s.allRequest(start, streams.ReadReq_Options_Backwards, limit))
		if err != nil {
			return 0, err
		}
		for _, r := range events {
			e, ours, err := s.codec.decode(r)
			if err != nil || ours {
				return e.Position, err
			}
		}
		if len(events) == 0 {
			return 0, nil
		}
		// A read back from a position begins before it.
		position := events[len(events)-1].GetCommitPosition()
		start, limit = at(position, position), pageSize
	}
}
