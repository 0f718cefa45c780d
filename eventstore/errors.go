package eventstore

import "errors"

// The errors of every engine. Others may wrap them.
var (
	// ErrWrongExpectedRevision refuses an append whose stream is not at the expected revision. Nothing was stored:
	// read the stream, decide again, append again.
	ErrWrongExpectedRevision = errors.New("the stream is not at the expected revision")
	// ErrStreamNotFound says that a stream has no events.
	ErrStreamNotFound = errors.New("stream not found")
	// ErrBusy says that the store's queue is full. Nothing was stored: try again later.
	ErrBusy = errors.New("the event store is busy")
	// ErrUnavailable says that the engine failed or could not be reached. Whether an append was stored is unknown:
	// repeat it with the same event ids and the same expected revision.
	ErrUnavailable = errors.New("the event store is unavailable")
	// ErrClosed says that the store was closed. Nothing was stored.
	ErrClosed = errors.New("the event store is closed")
	// ErrInvalidAppend refuses an append that is malformed: no events, an empty stream name, an event without id or type,
	// more than [MaxEventsPerAppend] events, or names and metadata that the engine cannot hold: all engines take text in UTF-8
	// without zero bytes, and stream names of up to 1,024 bytes. Nothing was stored.
	ErrInvalidAppend = errors.New("invalid append")
	// ErrDamaged says that what is stored is not what was appended: a position or revision is missing, or an event cannot be read back. A
	// retry does not help; restore the ledger from a backup.
	ErrDamaged = errors.New("the ledger is damaged")
	// ErrWrongEpoch refuses a new epoch because the ledger is not in the epoch that the caller named.
	ErrWrongEpoch = errors.New("the ledger is in another epoch")
	// ErrEventNotFound says that the ledger holds no event at a position.
	ErrEventNotFound = errors.New("there is no event at this position")
)
