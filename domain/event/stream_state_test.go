package event_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
)

// follow continues a track with one event of each of the keyed commands.
func follow(track event.StreamState, commands ...string) event.StreamState {
	for _, command := range commands {
		track = track.Advance(event.Event{Envelope: event.Envelope{
			Position: track.Position + 10, Revision: track.Revision + 1, Pending: event.Pending{
				Metadata: event.Metadata{Tenant: "acme", CommandID: command, RequestHash: "hash of " + command},
			},
		}})
	}
	return track
}

// by continues a track with one event of each of the keyed commands, which an actor sent at a time.
func by(actor string, at time.Time, track event.StreamState, commands ...string) event.StreamState {
	for _, command := range commands {
		track = track.Advance(event.Event{Envelope: event.Envelope{Revision: track.Revision + 1, Pending: event.Pending{RecordedAt: at,
			Metadata: event.Metadata{Actor: actor, CommandID: command, RequestHash: "hash of " + command},
		}}})
	}
	return track
}

var began = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestMachinesAndOperatorsDoNotMakeEachOthersCommandsForgotten(t *testing.T) {
	t.Parallel()
	track := by("machine", began, by("admin", began, event.StreamState{}, "of an admin"), "of a machine")
	track = by("machine", began, track, numbered(1, 3*event.RememberedCommands)...)
	_, found := track.Command("of an admin")
	require.True(t, found)
	track = by("admin", began, track, numbered(10_001, 10_000+3*event.RememberedCommands)...)
	_, found = track.Command("of a machine")
	require.True(t, found)
	_, found = track.Command("of an admin")
	require.False(t, found)
}

func TestACommandOfAMachineIsRememberedForADay(t *testing.T) {
	t.Parallel()
	track := by("machine", began, event.StreamState{}, numbered(1, 1_000)...)
	track = by("machine", began.Add(event.MachineCommandsFor), track, "a day later")
	for _, name := range append(numbered(1, 1_000), "a day later") {
		_, found := track.Command(name)
		require.True(t, found, name)
	}
	track = by("machine", began.Add(2*event.MachineCommandsFor+1), track, numbered(2_001, 2_800)...)
	for _, name := range append(numbered(1, 1_000), "a day later") {
		_, found := track.Command(name)
		require.False(t, found, name)
	}
	for _, name := range numbered(2_001, 2_800) {
		_, found := track.Command(name)
		require.True(t, found, name)
	}
}

func TestFewCommandsOfMachinesAreRememberedLongerThanADay(t *testing.T) {
	t.Parallel()
	track := by("machine", began, event.StreamState{}, "first")
	track = by("machine", began.Add(100*event.MachineCommandsFor), track, numbered(2, event.RememberedCommands)...)
	_, found := track.Command("first")
	require.True(t, found)
	track = by("machine", began.Add(100*event.MachineCommandsFor), track, "one more")
	_, found = track.Command("first")
	require.False(t, found)
}

func TestTheMemoryOfMachinesCommandsIsBounded(t *testing.T) {
	t.Parallel()
	track := by("machine", began, event.StreamState{}, numbered(1, event.MaxMachineCommands+1)...)
	_, found := track.Command("1")
	require.False(t, found)
	_, found = track.Command("2")
	require.True(t, found)

	text, err := json.Marshal(track)
	require.NoError(t, err)
	require.Less(t, len(text), 1_400_000)
	var restored event.StreamState
	require.NoError(t, json.Unmarshal(text, &restored))
	for _, name := range []string{"2", strconv.Itoa(event.MaxMachineCommands + 1)} {
		command, found := restored.Command(name)
		require.True(t, found)
		require.True(t, command.ByMachine)
		require.True(t, command.HasRequestHash("hash of "+name))
		require.False(t, command.HasRequestHash("hash of another"))
	}
	require.Error(t, json.Unmarshal([]byte(`{"ByMachines": "AAAA"}`), &restored))
}

func numbered(from, to int) []string {
	var names []string
	for n := from; n <= to; n++ {
		names = append(names, strconv.Itoa(n))
	}
	return names
}

func TestATrackSaysWhoseStreamItIsAndHowFarItWasRead(t *testing.T) {
	t.Parallel()
	track := follow(event.StreamState{}, "a", "b")
	require.Equal(t, "acme", track.Tenant)
	require.Equal(t, event.Revision(2), track.Revision)
	require.Equal(t, event.Position(20), track.Position)
}

func TestACommandIsRememberedWithItsRequestAndItsLastEvent(t *testing.T) {
	t.Parallel()
	track := follow(event.StreamState{}, "a", "b", "b", "b", "c")
	remembered, found := track.Command("b")
	require.True(t, found)
	require.Equal(t, "b", remembered.ID)
	require.Equal(t, event.Revision(4), remembered.Revision)
	require.True(t, remembered.HasRequestHash("hash of b"))
	require.False(t, remembered.HasRequestHash("hash of c"))
	_, found = track.Command("d")
	require.False(t, found)
}

func TestACommandWithoutAnIdempotencyKeyIsNotRemembered(t *testing.T) {
	t.Parallel()
	track := event.StreamState{}.Advance(event.Event{Envelope: event.Envelope{
		Revision: 1, Pending: event.Pending{Metadata: event.Metadata{CommandID: "a"}}}})
	_, found := track.Command("a")
	require.False(t, found)
	require.Equal(t, event.Revision(1), track.Revision)
}

func TestTheLast256CommandsAreRemembered(t *testing.T) {
	t.Parallel()
	track := follow(event.StreamState{}, numbered(1, event.RememberedCommands)...)
	_, found := track.Command("1")
	require.True(t, found)

	track = follow(track, "one more")
	_, found = track.Command("1")
	require.False(t, found, "the oldest is forgotten")
	for _, name := range append(numbered(2, event.RememberedCommands), "one more") {
		_, found = track.Command(name)
		require.True(t, found, name)
	}
}

func TestSeveralEventsOfOneCommandAreOneMemory(t *testing.T) {
	t.Parallel()
	track := follow(event.StreamState{}, "first")
	for _, name := range numbered(2, event.RememberedCommands) {
		track = follow(track, name, name, name)
	}
	remembered, found := track.Command("first")
	require.True(t, found, "256 commands of many events are remembered, not 256 events")
	require.Equal(t, event.Revision(1), remembered.Revision)

	last := strconv.Itoa(event.RememberedCommands)
	track = follow(track, last)
	_, found = track.Command("first")
	require.True(t, found, "a further event of the latest command pushes nobody out")
}

func TestTracksThatContinueFromTheSameOneDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 5, event.RememberedCommands - 1, event.RememberedCommands} {
		origin := follow(event.StreamState{}, numbered(1, length)...)
		last := strconv.Itoa(length)
		left, right := follow(origin, "left", "more"), follow(origin, "right")
		again := follow(origin, last)

		for name, branch := range map[string]event.StreamState{"left": left, "right": right} {
			other := map[string]string{"left": "right", "right": "left"}[name]
			_, found := branch.Command(name)
			require.True(t, found, "%s after %d", name, length)
			_, found = branch.Command(other)
			require.False(t, found, "%s after %d", other, length)
		}
		for _, name := range []string{"left", "right", "more"} {
			_, found := origin.Command(name)
			require.False(t, found, "%s in the origin of %d", name, length)
		}
		if length > 0 {
			remembered, found := origin.Command(last)
			require.True(t, found)
			require.Equal(t, event.Revision(length), remembered.Revision, "the origin is left as it was")
			remembered, _ = again.Command(last)
			require.Equal(t, event.Revision(length)+1, remembered.Revision)
		}
	}
}

func TestARefPointsAtItsEvent(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("00000000-0000-7000-8000-000000000001")
	envelope := event.Envelope{Position: 9, Revision: 3, Stream: "door-1", Pending: event.Pending{ID: id, Type: openedType}}
	require.Equal(t, event.Ref{ID: id, Position: 9, Revision: 3, Type: openedType}, envelope.Ref())
}
