package binding

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// The binding's events. The wire names are permanent.
const (
	MachineBoundType    event.Type = "binding.machine_bound.v1"
	HardwareDriftedType event.Type = "binding.hardware_drifted.v1"
	MachineReboundType  event.Type = "binding.machine_rebound.v1"
	MachineReleasedType event.Type = "binding.machine_released.v1"
)

// MachineBound gives a machine a seat. Where moves are limited, a seat that a released machine left behind keeps its history: Replaces
// names the released binding. Either its machine came back, or another machine took the seat, which is a move.
type MachineBound struct {
	BindingID   uuid.UUID           `json:"binding_id"`
	Fingerprint machine.Fingerprint `json:"fingerprint"`
	Components  machine.Hashes      `json:"components,omitempty"`
	OS          string              `json:"os,omitempty"`
	Name        []byte              `json:"name,omitempty"` // sealed host name
	SeatsUsed   int                 `json:"seats_used"`     // of the licence, after this event
	BoundAt     time.Time           `json:"bound_at"`

	Replaces        *uuid.UUID `json:"replaces,omitempty"`          // nil: the seat is new
	RebindsInWindow int        `json:"rebinds_in_window,omitempty"` // of the licence, this move included; 0: no move
}

// HardwareDrifted records that a machine came back with changed hardware. It is the same machine while it resembles the machine as it
// was bound. If it only resembles the machine as it was last seen, it is another one by now, and the seat has moved.
type HardwareDrifted struct {
	BindingID           uuid.UUID           `json:"binding_id"`
	PreviousFingerprint machine.Fingerprint `json:"previous_fingerprint"`
	Fingerprint         machine.Fingerprint `json:"fingerprint"`
	Components          machine.Hashes      `json:"components"`
	Matched             int                 `json:"matched"`  // component kinds that still match: of the machine as bound, or as last seen if it moved
	Compared            int                 `json:"compared"` // component kinds compared
	Changed             []machine.Kind      `json:"changed"`
	DriftedAt           time.Time           `json:"drifted_at"`
	Moved               bool                `json:"moved,omitempty"`             // to another machine
	RebindsInWindow     int                 `json:"rebinds_in_window,omitempty"` // of the licence, this move included; 0: moves are not counted
}

// MachineRebound moves a seat to another machine.
type MachineRebound struct {
	BindingID           uuid.UUID           `json:"binding_id"`
	PreviousFingerprint machine.Fingerprint `json:"previous_fingerprint"`
	Fingerprint         machine.Fingerprint `json:"fingerprint"`
	Components          machine.Hashes      `json:"components,omitempty"`
	OS                  string              `json:"os,omitempty"`
	Name                []byte              `json:"name,omitempty"` // sealed host name
	Reason              string              `json:"reason"`
	RebindsInWindow     int                 `json:"rebinds_in_window"` // of the licence, this one included if it counts
	SeatsUsed           int                 `json:"seats_used"`        // of the licence, after this event
	ReboundAt           time.Time           `json:"rebound_at"`
	ByOperator          bool                `json:"by_operator,omitempty"` // it does not count as a move of the customer's
}

// MachineReleased ends a binding and frees its seat.
type MachineReleased struct {
	BindingID  uuid.UUID `json:"binding_id"`
	Reason     string    `json:"reason"`
	SeatsUsed  int       `json:"seats_used"` // of the licence, after this event
	ReleasedAt time.Time `json:"released_at"`
	ByOperator bool      `json:"by_operator,omitempty"` // whoever takes the seat next has not moved it
}

// EventType implements [event.Payload].
func (MachineBound) EventType() event.Type { return MachineBoundType }

// EventType implements [event.Payload].
func (HardwareDrifted) EventType() event.Type { return HardwareDriftedType }

// EventType implements [event.Payload].
func (MachineRebound) EventType() event.Type { return MachineReboundType }

// EventType implements [event.Payload].
func (MachineReleased) EventType() event.Type { return MachineReleasedType }

// Events registers the binding's events.
func Events() []event.Registration {
	return []event.Registration{
		event.Of[MachineBound](),
		event.Of[HardwareDrifted](),
		event.Of[MachineRebound](),
		event.Of[MachineReleased](),
	}
}
