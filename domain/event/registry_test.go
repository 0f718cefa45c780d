package event_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
)

const (
	oldestType event.Type = "door.moved.v1"
	olderType  event.Type = "door.opened.v1"
	openedType event.Type = "door.opened.v2"
)

// opened is the newest payload of a family with a history.
type opened struct {
	By    string `json:"by"`
	Width int    `json:"width,omitempty"`
}

func (opened) EventType() event.Type { return openedType }

// unwritable cannot be put into JSON.
type unwritable struct{ Signal chan int }

func (unwritable) EventType() event.Type { return "door.jammed.v1" }

// renamed returns an upcaster that gives a member another name.
func renamed(from, to string) event.Upcaster {
	return func(data []byte) ([]byte, error) {
		if !bytes.Contains(data, []byte(from)) {
			return nil, errors.New("there is no " + from)
		}
		return bytes.ReplaceAll(data, []byte(from), []byte(to)), nil
	}
}

func doors() []event.Registration {
	return []event.Registration{
		event.Superseded(oldestType, olderType, renamed("whom", "who")),
		event.Superseded(olderType, openedType, renamed("who", "by")),
		event.Of[opened](),
	}
}

func stored(t event.Type, data string) event.Envelope {
	return event.Envelope{Position: 17, Revision: 4, Stream: "door-1", Pending: event.Pending{
		ID: uuid.MustParse("00000000-0000-7000-8000-000000000001"), Type: t, Data: []byte(data),
	}}
}

func TestDecodingKeepsTheEnvelopeAndAddsThePayload(t *testing.T) {
	t.Parallel()
	envelope := stored(openedType, `{"by":"ada","width":3}`)
	decoded, err := event.NewRegistry(doors()).Decode(envelope)
	require.NoError(t, err)
	require.Equal(t, event.Event{Envelope: envelope, Payload: opened{By: "ada", Width: 3}}, decoded)
}

func TestOldBytesAreReadThroughEveryUpcasterInTurn(t *testing.T) {
	t.Parallel()
	registry := event.NewRegistry(doors())
	for old, data := range map[event.Type]string{
		oldestType: `{"whom":"ada"}`,
		olderType:  `{"who":"ada"}`,
		openedType: `{"by":"ada"}`,
	} {
		envelope := stored(old, data)
		decoded, err := registry.Decode(envelope)
		require.NoError(t, err, old)
		require.Equal(t, opened{By: "ada"}, decoded.Payload, old)
		require.Equal(t, old, decoded.Type, "the envelope says what was stored")
		require.Equal(t, data, string(decoded.Data), "the stored bytes are left as they are")
	}
}

func TestTheNewestTypeIsTheEndOfTheChain(t *testing.T) {
	t.Parallel()
	registry := event.NewRegistry(doors())
	for _, old := range []event.Type{oldestType, olderType, openedType} {
		newest, known := registry.Newest(old)
		require.True(t, known)
		require.Equal(t, openedType, newest)
	}
	_, known := registry.Newest("door.closed.v1")
	require.False(t, known)
}

func TestAnUnknownTypeStopsTheReaderAndIsNamed(t *testing.T) {
	t.Parallel()
	_, err := event.NewRegistry(doors()).Decode(stored("door.closed.v1", `{}`))
	require.ErrorIs(t, err, event.ErrUnknownType)
	require.ErrorContains(t, err, `"door.closed.v1"`)
	require.ErrorContains(t, err, "00000000-0000-7000-8000-000000000001")
	require.ErrorContains(t, err, "position 17")
}

func TestAChainThatLeadsNowhereIsAnUnknownType(t *testing.T) {
	t.Parallel()
	registry := event.NewRegistry([]event.Registration{event.Superseded(oldestType, olderType, renamed("whom", "who"))})
	_, err := registry.Decode(stored(oldestType, `{"whom":"ada"}`))
	require.ErrorIs(t, err, event.ErrUnknownType)
	require.ErrorContains(t, err, string(olderType))
}

func TestBytesThatAreNotThePayloadAreMalformed(t *testing.T) {
	t.Parallel()
	registry := event.NewRegistry(doors())
	for name, data := range map[string]string{
		"no bytes":         ``,
		"cut short":        `{"by":"ada"`,
		"a wrong type":     `{"by":17}`,
		"not an object":    `["ada"]`,
		"nothing":          `null`,
		"nothing, spaced":  " null\n",
		"two values":       `{"by":"ada"}{}`,
		"a fraction of it": `{"by":"ada","width":1.5}`,
	} {
		_, err := registry.Decode(stored(openedType, data))
		require.ErrorIs(t, err, event.ErrMalformed, name)
		require.ErrorContains(t, err, "position 17", name)
		require.ErrorContains(t, err, "00000000-0000-7000-8000-000000000001", name)
	}
}

func TestBytesThatCannotBeUpcastAreMalformed(t *testing.T) {
	t.Parallel()
	_, err := event.NewRegistry(doors()).Decode(stored(oldestType, `{"what":"ada"}`))
	require.ErrorIs(t, err, event.ErrMalformed)
	require.ErrorContains(t, err, "there is no whom")
	require.ErrorContains(t, err, "position 17")
	require.ErrorContains(t, err, "00000000-0000-7000-8000-000000000001")
}

func TestRegisteringATypeTwicePanics(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]event.Registration{
		"a payload beside a payload":     event.Of[opened](),
		"an upcaster beside a payload":   event.Superseded(openedType, "door.opened.v3", renamed("by", "whom")),
		"an upcaster beside an upcaster": event.Superseded(olderType, openedType, renamed("who", "by")),
	} {
		require.Panics(t, func() { event.NewRegistry(doors(), []event.Registration{again}) }, name)
	}
}

func TestTypesListsOldAndNew(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, []event.Type{oldestType, olderType, openedType}, event.NewRegistry(doors()).Types())
	require.Empty(t, event.NewRegistry().Types())
}

func TestEncodingIsTheJSONOfThePayload(t *testing.T) {
	t.Parallel()
	data, err := event.Encode(opened{By: "ada"})
	require.NoError(t, err)
	require.Equal(t, `{"by":"ada"}`, string(data))
}

func TestWhatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	_, err := event.Encode(unwritable{})
	require.ErrorContains(t, err, "door.jammed.v1")
}
