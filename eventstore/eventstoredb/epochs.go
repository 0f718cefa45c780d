package eventstoredb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Epochs are events of a stream of their own that carry no mark, so they are not events of the ledger: positions, heads and
// digests are the same with and without them.
const (
	epochsStream = "licenseledger-epochs"
	epochType    = "licenseledger.epoch"
)

// Epochs returns the ledger's epochs as [eventstore.Store] promises.
func (s *Store) Epochs(ctx context.Context) ([]eventstore.Epoch, error) {
	if err := s.checkOpen(ctx); err != nil {
		return nil, err
	}
	epochs, err := s.epochs(ctx)
	if err != nil {
		return nil, s.failure(ctx, "read the epochs", err)
	}
	return epochs, nil
}

func (s *Store) epochs(ctx context.Context) (epochs []eventstore.Epoch, err error) {
	for more := true; more; {
		var page []*recorded
		page, more, err = s.read(ctx, s.streamRequest(epochsStream, event.Revision(len(epochs)), pageSize))
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			var e eventstore.Epoch
			if err := json.Unmarshal(r.GetData(), &e); err != nil || r.GetMetadata()[metadataType] != epochType {
				return nil, fmt.Errorf("%w: event %d of %s is not an epoch", eventstore.ErrDamaged, r.GetStreamRevision(), epochsStream)
			}
			epochs = append(epochs, e)
		}
		more = more && len(page) > 0
	}
	return epochs, nil
}

// BeginEpoch adds an epoch as [eventstore.Store] promises. The stream's expected revision lets one of several succeed.
func (s *Store) BeginEpoch(ctx context.Context, current uuid.UUID, next eventstore.Epoch) error {
	if err := s.checkOpen(ctx); err != nil {
		return err
	}
	epochs, err := s.Epochs(ctx)
	if err != nil {
		return err
	}
	if eventstore.Current(epochs).ID != current {
		return eventstore.ErrWrongEpoch
	}
	next.BeganAt = next.BeganAt.UTC().Truncate(time.Microsecond)
	data, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("begin an epoch: %w", err)
	}
	err = s.write(ctx, epochsStream, event.Revision(len(epochs)), []*proposed{{
		Id: wireID(next.ID), Metadata: map[string]string{metadataType: epochType, metadataContentType: contentJSON}, Data: data,
	}})
	switch {
	case errors.Is(err, errWrongVersion):
		return eventstore.ErrWrongEpoch
	case err != nil:
		return s.failure(ctx, "begin an epoch", err)
	}
	return nil
}

// ReadEvent returns the event at a position as [eventstore.Store] promises. A read of $all from the position of an event begins with
// that event. At a position where no event begins the server answers with UNKNOWN, or begins with a later event.
func (s *Store) ReadEvent(ctx context.Context, position event.Position) (event.Envelope, error) {
	if err := s.checkOpen(ctx); err != nil {
		return event.Envelope{}, err
	}
	missing := fmt.Errorf("%w: %d", eventstore.ErrEventNotFound, position)
	head, err := s.Head(ctx)
	if err != nil {
		return event.Envelope{}, err
	}
	if position == 0 || position > head {
		return event.Envelope{}, missing
	}
	events, _, err := s.read(ctx, s.allRequest(at(uint64(position), uint64(position)), streams.ReadReq_Options_Forwards, 1))
	if status.Code(err) == codes.Unknown {
		return event.Envelope{}, missing
	}
	if err != nil {
		return event.Envelope{}, s.failure(ctx, "read the ledger", err)
	}
	for _, r := range events {
		e, ours, err := s.codec.decode(r)
		if err != nil {
			return event.Envelope{}, s.failure(ctx, "read the ledger", err)
		}
		if ours && e.Position == position {
			return e, nil
		}
	}
	return event.Envelope{}, missing
}
