package event

import (
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/access"
)

// Ref points at one event of the ledger.
type Ref struct {
	ID       uuid.UUID
	Position Position
	Revision Revision
	Type     Type
}

// Ref returns the reference to e. An event that is only assumed, not recorded, has position 0.
func (e Envelope) Ref() Ref {
	return Ref{ID: e.ID, Position: e.Position, Revision: e.Revision, Type: e.Type}
}

// StreamState is what every folded stream remembers beside the state of its aggregate: its tenant, how far it was read, and its latest
// commands. It is a value; Advance returns a new one.
type StreamState struct {
	Tenant   string
	Revision Revision  // of the last event, 0 for a stream that does not exist
	Position Position  // of the last event
	EventID  uuid.UUID // of the last event
	commands []Command
}

// Command is the memory of a command that carried an Idempotency-Key.
type Command struct {
	ID          string
	RequestHash string
	Revision    Revision // of its last event
	ByMachine   bool     // whoever holds the licence key asked for it
}

// RememberedCommands is how many of a stream's latest commands can be recognised when they are repeated: as many of machines as of
// everybody else, so that a customer cannot make the memory of an operator's command end.
const RememberedCommands = 256

// Advance returns the state after one more event.
func (s StreamState) Advance(e Envelope) StreamState {
	s.Tenant, s.Revision, s.Position, s.EventID = e.Tenant, e.Revision, e.Position, e.ID
	if e.RequestHash == "" {
		return s
	}
	known := s.commands
	if last := len(known) - 1; last >= 0 && known[last].ID == e.CommandID {
		known = known[:last]
	}
	next := Command{ID: e.CommandID, RequestHash: e.RequestHash, Revision: e.Revision, ByMachine: e.Actor == string(access.Machine)}
	s.commands = append(withoutOldest(known, next.ByMachine), next)
	return s
}

// withoutOldest returns commands that one more can be appended to: without the oldest one of its kind, if as many are there as are
// remembered.
func withoutOldest(commands []Command, byMachine bool) []Command {
	ofItsKind := func(c Command) bool { return c.ByMachine == byMachine }
	count := 0
	for _, c := range commands {
		if ofItsKind(c) {
			count++
		}
	}
	if count < RememberedCommands {
		return slices.Clip(commands)
	}
	oldest := slices.IndexFunc(commands, ofItsKind)
	return slices.Concat(commands[:oldest], commands[oldest+1:])
}

// Command finds a remembered command by its id.
func (s StreamState) Command(id string) (Command, bool) {
	for _, c := range slices.Backward(s.commands) {
		if c.ID == id {
			return c, true
		}
	}
	return Command{}, false
}

// streamStateJSON is a [StreamState] in snapshots.
type streamStateJSON struct {
	Tenant   string
	Revision Revision
	Position Position
	EventID  uuid.UUID
	Commands []Command
}

// MarshalJSON writes all of the state, the remembered commands included.
func (s StreamState) MarshalJSON() ([]byte, error) {
	return json.Marshal(streamStateJSON{Tenant: s.Tenant, Revision: s.Revision, Position: s.Position, EventID: s.EventID,
		Commands: s.commands})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (s *StreamState) UnmarshalJSON(text []byte) error {
	var form streamStateJSON
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	*s = StreamState{Tenant: form.Tenant, Revision: form.Revision, Position: form.Position, EventID: form.EventID, commands: form.Commands}
	return nil
}
