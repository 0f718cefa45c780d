package event

import (
	"encoding/json"
	"time"

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
	Tenant     string
	Revision   Revision  // of the last event, 0 for a stream that does not exist
	Position   Position  // of the last event
	EventID    uuid.UUID // of the last event
	byMachines commandMemory
	byOthers   commandMemory
}

// RememberedCommands is how many of a stream's latest commands can be recognised when they are repeated: of operators, and of machines. A
// customer cannot make the memory of an operator's command end. When that has ended, the claim of the key tells.
const RememberedCommands = 256

// More commands of machines are remembered, if more came in that time.
const (
	MachineCommandsFor = 24 * time.Hour
	MaxMachineCommands = 20_000
)

// Advance returns the state after further events.
func (s StreamState) Advance(events ...Event) StreamState {
	cloned := false
	for _, e := range events {
		s.Tenant, s.Revision, s.Position, s.EventID = e.Tenant, e.Revision, e.Position, e.ID
		if e.RequestHash == "" {
			continue
		}
		if !cloned {
			s.byMachines, s.byOthers, cloned = s.byMachines.clone(), s.byOthers.clone(), true
		}
		s.remember(e.Envelope)
	}
	return s
}

// remember adds the command of an event to a state that nobody else has yet.
func (s *StreamState) remember(e Envelope) {
	c := rememberedCommand{id: digestOf(e.CommandID), request: digestOf(e.RequestHash), revision: e.Revision, recordedAt: e.RecordedAt}
	if e.byMachine() {
		s.byMachines.add(c, retention{least: RememberedCommands, age: MachineCommandsFor, most: MaxMachineCommands})
	} else {
		s.byOthers.add(c, retention{least: RememberedCommands})
	}
}

func (e Envelope) byMachine() bool { return e.Actor == string(access.Machine) }

// Command finds a remembered command by its id.
func (s StreamState) Command(id string) (Command, bool) {
	if c, found := s.byMachines.find(id); found {
		return Command{ID: id, Revision: c.revision, ByMachine: true, request: c.request}, true
	}
	c, found := s.byOthers.find(id)
	return Command{ID: id, Revision: c.revision, request: c.request}, found
}

// streamStateJSON is a [StreamState] in snapshots.
type streamStateJSON struct {
	Tenant     string
	Revision   Revision
	Position   Position
	EventID    uuid.UUID
	ByMachines []byte `json:",omitempty"`
	ByOthers   []byte `json:",omitempty"`
}

// MarshalJSON writes all of the state, the remembered commands included.
func (s StreamState) MarshalJSON() ([]byte, error) {
	return json.Marshal(streamStateJSON{Tenant: s.Tenant, Revision: s.Revision, Position: s.Position, EventID: s.EventID,
		ByMachines: s.byMachines.bytes(), ByOthers: s.byOthers.bytes()})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (s *StreamState) UnmarshalJSON(text []byte) error {
	var form streamStateJSON
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	*s = StreamState{Tenant: form.Tenant, Revision: form.Revision, Position: form.Position, EventID: form.EventID}
	var err error
	if s.byMachines, err = commandMemoryOf(form.ByMachines); err != nil {
		return err
	}
	s.byOthers, err = commandMemoryOf(form.ByOthers)
	return err
}
