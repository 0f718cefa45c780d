package esdbdouble

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// Keys of a message's metadata, and a value.
const (
	typeKey        = "type"
	contentTypeKey = "content-type"
	createdKey     = "created"
	jsonContent    = "application/json"
)

func fromWire(stream string, m *streams.AppendReq_ProposedMessage) (*record, error) {
	r := &record{
		stream:      stream,
		kind:        m.GetMetadata()[typeKey],
		contentType: m.GetMetadata()[contentTypeKey],
		data:        m.GetData(),
		metadata:    m.GetCustomMetadata(),
	}
	if stream == "" || r.kind == "" || r.contentType == "" {
		return nil, errors.New("stream, type and content-type are required")
	}
	if text := m.GetId().GetString_(); text != "" {
		id, err := uuid.Parse(text)
		r.id = id
		return r, err
	}
	halves := m.GetId().GetStructured()
	binary.BigEndian.PutUint64(r.id[:8], uint64(halves.GetMostSignificantBits()))
	binary.BigEndian.PutUint64(r.id[8:], uint64(halves.GetLeastSignificantBits()))
	return r, nil
}

// toWire is the event as reads give it; those of $all say its position twice.
func (r *record) toWire(ofAll bool) *streams.ReadResp {
	event := &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id: &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
				MostSignificantBits:  int64(binary.BigEndian.Uint64(r.id[:8])),
				LeastSignificantBits: int64(binary.BigEndian.Uint64(r.id[8:])),
			}}},
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.stream)},
			StreamRevision:   uint64(r.revision),
			CommitPosition:   r.position,
			PreparePosition:  r.transaction,
			Metadata: map[string]string{
				typeKey:        r.kind,
				contentTypeKey: r.contentType,
				createdKey:     strconv.FormatInt(r.created.UnixNano()/100, 10), // in units of 100 ns
			},
			CustomMetadata: r.metadata,
			Data:           r.data,
		},
		Position: &streams.ReadResp_ReadEvent_NoPosition{NoPosition: &shared.Empty{}},
	}
	if ofAll {
		event.Position = &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: r.position}
	}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: event}}
}
