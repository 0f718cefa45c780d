package eventstore

import (
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Epoch is one course of a ledger's positions. Within an epoch a position always means the same event. A ledger that goes on from an
// earlier state, or on another engine, begins a new epoch, because the positions that follow are used again.
type Epoch struct {
	Installation uuid.UUID      `json:"installation"` // the installation whose ledger this is; the same in all its epochs
	ID           uuid.UUID      `json:"epoch"`
	After        event.Position `json:"after"` // the head when the epoch began: the events after it belong to this epoch
	BeganAt      time.Time      `json:"began_at"`
	Reason       EpochReason    `json:"reason"`
}

// EpochReason says why an epoch began.
type EpochReason string

// The reasons of epochs.
const (
	EpochCreated  EpochReason = "created"  // with the ledger
	EpochAdopted  EpochReason = "adopted"  // when a version that knows epochs first opened an older ledger
	EpochRestored EpochReason = "restored" // from a backup
	EpochCopied   EpochReason = "copied"   // to another place or engine
	EpochAccepted EpochReason = "accepted" // by an operator, for a ledger that was found at an earlier state
)

// Current returns the epoch that a ledger is in, given all its epochs, and the zero Epoch when it has none.
func Current(epochs []Epoch) Epoch {
	if len(epochs) == 0 {
		return Epoch{}
	}
	return epochs[len(epochs)-1]
}
