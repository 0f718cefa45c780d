// Package eventstore is the port through which the rest of the program reads and writes the ledger, and the contract
// that every engine behind it keeps. The contract is the text of [Store]; each of its sentences is a named case of the
// conformance suite in package eventstoretest.
package eventstore

import (
	"context"
	"iter"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// MaxEventsPerAppend bounds one append.
const MaxEventsPerAppend = 16_384

// Commit is the outcome of an append.
type Commit struct {
	Position event.Position   // of the last event appended
	Revision event.Revision   // of the stream, after the append
	Events   []event.Envelope // what was appended, with positions and revisions, in order
}

// Reader reads a ledger event by event. All methods are safe for concurrent use.
type Reader interface {
	// ReadStream yields the events of a stream with a revision greater than after, in order. A stream without any
	// events yields ErrStreamNotFound. An error is yielded once and ends the sequence; without one, the end of
	// the sequence is the end of the stream as of some moment during the read.
	ReadStream(ctx context.Context, stream string, after event.Revision) iter.Seq2[event.Envelope, error]

	// ReadAll yields the events of the ledger with a position greater than after, in order, to the end of the ledger as of
	// some moment during the read. An error is yielded once and ends the sequence: a read that fails midway is never
	// mistaken for an early end.
	ReadAll(ctx context.Context, after event.Position) iter.Seq2[event.Envelope, error]

	// Subscribe follows the ledger after a position: what is there already, then what is appended later, each event once,
	// in order, without a gap.
	Subscribe(ctx context.Context, after event.Position) (Subscription, error)
}

// Store is an append-only ledger of events, ordered as a whole and within each stream.
//
// All methods are safe for concurrent use.
type Store interface {
	// Append adds events to the end of a stream, all of them or none, if the stream is at the expected revision
	// (0: does not exist yet), and returns when they are durable: after that they survive a crash and power loss.
	//
	// Of several appends racing for one revision exactly one wins; the others fail with ErrWrongExpectedRevision.
	// A losing append does not disturb others that happen to be committed with it.
	// The events of one append stand next to each other in the ledger, in the order given.
	// Positions grow in commit order, and a reader that has seen a position has seen every smaller one.
	// Appending events again whose ids already stand in the stream right after the expected revision stores nothing and
	// returns the first append's Commit, so an append with an unknown outcome can be repeated.
	// Payload bytes and metadata are stored as given. Recorded-at is kept to the microsecond.
	// When ctx ends before the append was taken up, nothing is stored and ctx's error is returned; when it ends later,
	// the append may still be stored.
	Append(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (Commit, error)

	Reader

	// Exports returns a reader of the same ledger for clients, who take it as fast or as slowly as they like. It reads through
	// connections of its own: however many clients export, appends and all other reads do not wait for a connection.
	// It is closed with the store.
	Exports() Reader

	// Head returns the position of the last event, 0 for an empty ledger.
	Head(ctx context.Context) (event.Position, error)

	// ReadEvent returns the event at a position. It fails with ErrEventNotFound when there is none.
	ReadEvent(ctx context.Context, at event.Position) (event.Envelope, error)

	// Epochs returns the epochs of the ledger, oldest first; none for a ledger that nobody gave one yet.
	Epochs(ctx context.Context) ([]Epoch, error)

	// BeginEpoch adds an epoch and returns when it is durable. current is the id of the epoch that the ledger is in (uuid.Nil: none);
	// of several that begin one at once exactly one succeeds, and the others fail with ErrWrongEpoch. Epochs are not
	// events: they have no position and are not read with them. Times are kept to the microsecond.
	BeginEpoch(ctx context.Context, current uuid.UUID, next Epoch) error

	// Close finishes appends that were taken up, refuses new ones with ErrClosed and ends all subscriptions.
	Close() error
}

// Subscription is a place in the ledger that moves forward. It is used by one goroutine at a time.
type Subscription interface {
	// Next returns the next events, at least one and at most limit, waiting for one when there is none yet. It fails with
	// ctx's error, ErrClosed, or the engine's; after a failure the same call may be repeated, and nothing is skipped.
	Next(ctx context.Context, limit int) ([]event.Envelope, error)
	// Close frees what the subscription holds.
	Close() error
}
