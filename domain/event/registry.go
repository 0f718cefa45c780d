package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrUnknownType says that an event's type is not registered: the reader is older than the writer, or the ledger
// holds something that is not ours. A reader stops there; it never skips. The error is an [UnknownTypeError].
var ErrUnknownType = errors.New("unknown event type")

// ErrMalformed says that an event's bytes are not a payload of its type.
var ErrMalformed = errors.New("malformed event payload")

// Upcaster rewrites the bytes of an old version as the bytes of a newer one. It is pure: same bytes in, same bytes out.
type Upcaster func(data []byte) ([]byte, error)

// Registry knows every event type ever written. It is filled once, when the program is wired, and read-only from then on.
type Registry struct {
	decoders  map[Type]func(data []byte) (Payload, error)
	upcasters map[Type]upcast
}

type upcast struct {
	to      Type
	rewrite Upcaster
}

// NewRegistry returns a registry of the given families, each the list of registrations of one aggregate package.
func NewRegistry(families ...[]Registration) *Registry {
	r := &Registry{decoders: map[Type]func([]byte) (Payload, error){}, upcasters: map[Type]upcast{}}
	for _, family := range families {
		for _, register := range family {
			register(r)
		}
	}
	return r
}

// Registration adds one event type or upcaster to a registry. It panics when the type is already there: two payloads
// under one wire name is a programming error that must not reach a ledger.
type Registration func(*Registry)

// Of registers the payload type P under its own wire name.
func Of[P Payload]() Registration {
	return func(r *Registry) {
		var zero P
		t := zero.EventType()
		r.mustBeNew(t)
		r.decoders[t] = func(data []byte) (Payload, error) {
			var p P
			if err := json.Unmarshal(data, &p); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, t, err)
			}
			if bytes.Equal(bytes.TrimSpace(data), []byte("null")) { // which encoding/json takes for any type
				return nil, fmt.Errorf("%w: %s: null", ErrMalformed, t)
			}
			return p, nil
		}
	}
}

// Superseded registers an old type whose bytes are read through rewrite as those of a newer type.
func Superseded(old, by Type, rewrite Upcaster) Registration {
	return func(r *Registry) {
		r.mustBeNew(old)
		r.upcasters[old] = upcast{to: by, rewrite: rewrite}
	}
}

func (r *Registry) mustBeNew(t Type) {
	_, decoded := r.decoders[t]
	_, upcasted := r.upcasters[t]
	if decoded || upcasted {
		panic(fmt.Sprintf("event type %s is registered twice", t))
	}
}

// Decode returns the envelope with its payload, brought up to the newest version of its type.
// It fails with [ErrUnknownType] or [ErrMalformed], naming the event.
func (r *Registry) Decode(e Envelope) (Event, error) {
	t, data := e.Type, e.Data
	for {
		up, old := r.upcasters[t]
		if !old {
			break
		}
		rewritten, err := up.rewrite(data)
		if err != nil {
			return Event{}, fmt.Errorf("event %s at position %d: %w: upcast %s to %s: %w", e.ID, e.Position, ErrMalformed, t, up.to, err)
		}
		t, data = up.to, rewritten
	}
	decode, known := r.decoders[t]
	if !known {
		return Event{}, &UnknownTypeError{Type: t, ID: e.ID, Position: e.Position}
	}
	p, err := decode(data)
	if err != nil {
		return Event{}, fmt.Errorf("event %s at position %d: %w", e.ID, e.Position, err)
	}
	return Event{Envelope: e, Payload: p}, nil
}

// Types lists the registered types, old and new, in no particular order.
func (r *Registry) Types() []Type {
	types := make([]Type, 0, len(r.decoders)+len(r.upcasters))
	for t := range r.decoders {
		types = append(types, t)
	}
	for t := range r.upcasters {
		types = append(types, t)
	}
	return types
}

// Encode returns the bytes under which a payload is stored.
func Encode(p Payload) ([]byte, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", p.EventType(), err)
	}
	return data, nil
}
