package eventstoredb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

const (
	// mark tells our events from those of other users of the server.
	mark = "licenseledger/1"

	// Keys and values of a message's metadata, which are the protocol's, unlike those of its custom metadata.
	metadataType        = "type"
	metadataContentType = "content-type"
	contentJSON         = "application/json"
	contentBinary       = "application/octet-stream"
)

type (
	proposed = streams.AppendReq_ProposedMessage
	recorded = streams.ReadResp_ReadEvent_RecordedEvent
)

// customMetadata is the JSON beside each event. $correlationId and $causationId are EventStoreDB's own names.
type customMetadata struct {
	owner
	RecordedAt  time.Time `json:"recorded_at"`
	Correlation string    `json:"$correlationId,omitempty"`
	Causation   string    `json:"$causationId,omitempty"`
	Tenant      string    `json:"tenant,omitempty"`
	Actor       string    `json:"actor,omitempty"`
	CommandID   string    `json:"command_id,omitempty"`
	RequestHash string    `json:"request_hash,omitempty"`
}

// owner names the ledger that an event belongs to. The name of the stream is not enough: one ledger's prefix may begin with another's,
// and every name begins with the empty prefix.
type owner struct {
	Ledger string `json:"ledger"` // mark
	Prefix string `json:"stream_prefix,omitempty"`
}

// codec turns our events into the server's and back.
type codec struct{ prefix string }

// stream is the server's name of one of our streams.
func (c codec) stream(name string) *shared.StreamIdentifier {
	return &shared.StreamIdentifier{StreamName: []byte(c.prefix + name)}
}

// checkName refuses names that would not be streams of ours.
func (c codec) checkName(name string) error {
	if strings.HasPrefix(c.prefix+name, "$") {
		return fmt.Errorf("%w: streams whose name begins with $ are the database's own", eventstore.ErrInvalidAppend)
	}
	return nil
}

func (c codec) encode(events []event.Pending) ([]*proposed, error) {
	messages := make([]*proposed, len(events))
	for i, e := range events {
		beside, err := json.Marshal(customMetadata{
			owner:       c.owner(),
			RecordedAt:  e.RecordedAt.UTC().Truncate(time.Microsecond),
			Correlation: e.Correlation,
			Causation:   e.Causation,
			Tenant:      e.Tenant,
			Actor:       e.Actor,
			CommandID:   e.CommandID,
			RequestHash: e.RequestHash,
		})
		if err != nil {
			return nil, fmt.Errorf("%w: metadata of event %d: %w", eventstore.ErrInvalidAppend, i, err)
		}
		content := contentBinary
		if json.Valid(e.Data) {
			content = contentJSON
		}
		messages[i] = &proposed{
			Id:             wireID(e.ID),
			Metadata:       map[string]string{metadataType: string(e.Type), metadataContentType: content},
			CustomMetadata: beside,
			Data:           e.Data,
		}
	}
	return messages, nil
}

// decode returns an event of ours; ours is false for those of others, which do not have this ledger's mark.
func (c codec) decode(r *recorded) (e event.Envelope, ours bool, err error) {
	name, is := strings.CutPrefix(string(r.GetStreamIdentifier().GetStreamName()), c.prefix)
	if !is || strings.HasPrefix(name, "$") || strings.HasPrefix(r.GetMetadata()[metadataType], "$") {
		return e, false, nil
	}
	var beside customMetadata
	err = json.Unmarshal(r.GetCustomMetadata(), &beside)
	if err == nil && beside.owner != c.owner() || err != nil && !c.isMarked(r.GetCustomMetadata()) {
		return e, false, nil
	}
	if err != nil {
		return e, true, fmt.Errorf("%w: metadata of %s at position %d: %w", eventstore.ErrDamaged, name, r.GetCommitPosition(), err)
	}
	id, err := eventID(r.GetId())
	if err != nil || r.GetCommitPosition() > math.MaxInt64 {
		return e, true, fmt.Errorf("%w: event %d of %s has no id or position", eventstore.ErrDamaged, r.GetStreamRevision()+1, name)
	}
	return event.Envelope{
		Position: event.Position(r.GetCommitPosition()),
		Stream:   name,
		Revision: event.Revision(r.GetStreamRevision() + 1),
		Pending: event.Pending{
			ID:         id,
			Type:       event.Type(r.GetMetadata()[metadataType]),
			RecordedAt: beside.RecordedAt.UTC(),
			Metadata: event.Metadata{
				Tenant: beside.Tenant, Actor: beside.Actor, Correlation: beside.Correlation, Causation: beside.Causation,
				CommandID: beside.CommandID, RequestHash: beside.RequestHash,
			},
			Data: r.GetData(),
		},
	}, true, nil
}

func (c codec) owner() owner { return owner{Ledger: mark, Prefix: c.prefix} }

// isMarked finds this ledger's mark in metadata that are not as we write them.
func (c codec) isMarked(metadata []byte) bool {
	var found owner
	return json.Unmarshal(metadata, &found) == nil && found == c.owner()
}

func wireID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

func eventID(wire *shared.UUID) (id uuid.UUID, err error) {
	if text := wire.GetString_(); text != "" {
		return uuid.Parse(text)
	}
	halves := wire.GetStructured()
	binary.BigEndian.PutUint64(id[:8], uint64(halves.GetMostSignificantBits()))
	binary.BigEndian.PutUint64(id[8:], uint64(halves.GetLeastSignificantBits()))
	return id, nil
}
