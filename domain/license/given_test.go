package license_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// scenario is a sentence about a licence: given what happened, when this is asked, then that is decided.
type scenario struct {
	t      *testing.T
	stream *license.Stream
	now    time.Time
	events []event.Payload
	err    error
}

// given folds what happened, each event through the codec as if it had been read from the ledger.
func given(t *testing.T, happened ...event.Payload) *scenario {
	t.Helper()
	return &scenario{t: t, stream: fold(t, nil, happened...), now: noon}
}

// fold continues a stream with further events.
func fold(t *testing.T, s *license.Stream, happened ...event.Payload) *license.Stream {
	t.Helper()
	if len(happened) == 0 {
		return s
	}
	registry := domain.Events()
	events := make([]event.Event, len(happened))
	for i, p := range happened {
		data, err := event.Encode(p)
		require.NoError(t, err)
		place := uint64(s.StreamState().Revision) + uint64(i) + 1
		events[i], err = registry.Decode(event.Envelope{
			Position: event.Position(100 + place),
			Revision: event.Revision(place),
			Stream:   license.StreamName(licenseID),
			Pending:  event.Pending{ID: uuid.New(), Type: p.EventType(), Metadata: event.Metadata{Tenant: "default"}, Data: data},
		})
		require.NoError(t, err)
	}
	next, err := license.Fold(s, events...)
	require.NoError(t, err)
	return next
}

// at sets the time; it is noon otherwise.
func (s *scenario) at(now time.Time) *scenario {
	s.now = now
	return s
}

// when asks a command.
func (s *scenario) when(c license.Command) *scenario {
	s.t.Helper()
	s.events, s.err = s.stream.Decide(c, s.now)
	return s
}

// then expects exactly these events.
func (s *scenario) then(expected ...event.Payload) {
	s.t.Helper()
	require.NoError(s.t, s.err)
	require.Equal(s.t, expected, s.events)
}

// thenNothing expects that everything was as wished already.
func (s *scenario) thenNothing() {
	s.t.Helper()
	require.NoError(s.t, s.err)
	require.Empty(s.t, s.events)
}

// thenRefused expects a refusal, and no event.
func (s *scenario) thenRefused(expected error) {
	s.t.Helper()
	require.ErrorIs(s.t, s.err, expected)
	require.Empty(s.t, s.events)
}

// validated asks for a verdict at the scenario's time.
func (s *scenario) validated(c license.Validate) license.Verdict {
	return s.stream.Verdict(c, s.now)
}

// requireSame compares all that two streams hold.
func requireSame(t require.TestingT, expected, actual *license.Stream, message string) {
	require.Equal(t, license.ContentsOf(expected), license.ContentsOf(actual), message)
}
