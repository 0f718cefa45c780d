package event

import (
	"encoding/json"
	"slices"

	"github.com/google/uuid"
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

// Track is what every folded stream remembers beside its own state: whose it is, how far it was read, and which commands
// brought it there. It is a value; Follow returns a new one.
type Track struct {
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
}

// RememberedCommands is how many of a stream's latest commands can be recognised when they are repeated.
const RememberedCommands = 256

// Follow returns the track after one more event.
func (t Track) Follow(e Envelope) Track {
	t.Tenant, t.Revision, t.Position, t.EventID = e.Tenant, e.Revision, e.Position, e.ID
	if e.RequestHash == "" {
		return t
	}
	known := t.commands
	if last := len(known) - 1; last >= 0 && known[last].ID == e.CommandID {
		known = known[:last]
	}
	if len(known) >= RememberedCommands {
		known = known[1:]
	}
	t.commands = append(slices.Clip(known), Command{ID: e.CommandID, RequestHash: e.RequestHash, Revision: e.Revision})
	return t
}

// Command finds a remembered command by its id.
func (t Track) Command(id string) (Command, bool) {
	for _, c := range slices.Backward(t.commands) {
		if c.ID == id {
			return c, true
		}
	}
	return Command{}, false
}

// trackForm is a track in snapshots.
type trackForm struct {
	Tenant   string
	Revision Revision
	Position Position
	EventID  uuid.UUID
	Commands []Command
}

// MarshalJSON writes all of the track, the remembered commands included.
func (t Track) MarshalJSON() ([]byte, error) {
	return json.Marshal(trackForm{Tenant: t.Tenant, Revision: t.Revision, Position: t.Position, EventID: t.EventID, Commands: t.commands})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (t *Track) UnmarshalJSON(text []byte) error {
	var form trackForm
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	*t = Track{Tenant: form.Tenant, Revision: form.Revision, Position: form.Position, EventID: form.EventID, commands: form.Commands}
	return nil
}
