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

// MachineBound gives a machine a seat.
type MachineBound struct {
	BindingID   uuid.UUID           `json:"binding_id"`
	Fingerprint machine.Fingerprint `json:"fingerprint"`
	Components  machine.Hashes      `json:"components,omitempty"`
	OS          string              `json:"os,omitempty"`
	Name        []byte              `json:"name,omitempty"` // sealed host name
	SeatsUsed   int                 `json:"seats_used"`     // of the licence, after this event
	BoundAt     time.Time           `json:"bound_at"`
}

// HardwareDrifted records that a bound machine came back with changed hardware and is still taken for the same one.
type HardwareDrifted struct {
	BindingID           uuid.UUID           `json:"binding_id"`
	PreviousFingerprint machine.Fingerprint `json:"previous_fingerprint"`
	Fingerprint         machine.Fingerprint `json:"fingerprint"`
	Components          machine.Hashes      `json:"components"`
	Matched             int                 `json:"matched"`  // component kinds that still match
	Compared            int                 `json:"compared"` // component kinds compared
	Changed             []machine.Kind      `json:"changed"`
	DriftedAt           time.Time           `json:"drifted_at"`
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
	RebindsInWindow     int                 `json:"rebinds_in_window"` // of the licence, this one included
	SeatsUsed           int                 `json:"seats_used"`        // of the licence, after this event
	ReboundAt           time.Time           `json:"rebound_at"`
}

// MachineReleased ends a binding and frees its seat.
type MachineReleased struct {
	BindingID  uuid.UUID `json:"binding_id"`
	Reason     string    `json:"reason"`
	SeatsUsed  int       `json:"seats_used"` // of the licence, after this event
	ReleasedAt time.Time `json:"released_at"`
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
