// Package runtime carries out commands on event-sourced aggregates. It knows no command of its own, and no aggregate but the claims of
// idempotency keys.
//
// A command is declared once, by [Declare], with its name, its permission, the aggregate that it changes and how it is made idempotent.
// From then on there is one way to carry it out (see [Command]):
//
//  1. The principal in the context needs the declared permission.
//  2. A keyed hash identifies the command if it came with an idempotency key.
//  3. The command's own function resolves what it refers to, and calls [Repository.Execute] on its aggregate, which
//  4. locks the aggregate in this process and takes its newest state: after the events in flight, or else from the cache, or from a
//     snapshot and the ledger,
//  5. checks that the principal may touch its tenant,
//  6. answers a repeated command from the aggregate as it was then,
//  7. lets the aggregate decide which events the command causes,
//  8. claims an operator's idempotency key if there are any, and starts again at 4,
//  9. adds them to the events in flight, which are appended together, expecting the revision that was decided on, and starts again at 4 if
//     another instance was faster.
//
// A refusal is an error of the domain and changes nothing.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Config is what a [Runtime] works with.
type Config struct {
	Store  eventstore.Store
	Events *event.Registry  // those of package idempotency included
	Now    func() time.Time // a trusted clock: expiries follow it
	NewID  func() uuid.UUID // time-ordered (UUIDv7), so that events of one time are neighbours in an index
	// HashRequest returns a keyed hash of a command, by which a repetition is told from another command.
	HashRequest func(command []byte) string
	// Shared says that other instances append to the same ledger. Then [Runtime.ReadIndex] must run.
	Shared bool
	// Announcer tells instances that share a ledger of each other's appends. nil: they find out by reading.
	Announcer Announcer
	// Observe is called after every command. nil: nobody looks.
	Observe func(ctx context.Context, d Declaration, err error, took time.Duration)
}

// Announcer passes a signal between instances when one has appended. It may lose, delay or repeat signals; no answer depends on it.
type Announcer interface {
	// Announce tells other instances that this one has appended to the ledger. It does not wait.
	Announce()
	// Announced receives a value some time after another instance has announced something.
	Announced() <-chan struct{}
}

// Runtime is what all repositories and commands of a process share. It is safe for concurrent use.
type Runtime struct {
	store       eventstore.Store
	events      *event.Registry
	now         func() time.Time
	newID       func() uuid.UUID
	hashRequest func([]byte) string
	observe     func(context.Context, Declaration, error, time.Duration)
	announce    func()
	ledgerTime  *ledgerTime
	readIndex   *readIndex                             // nil when no other instance appends
	claims      *Repository[idempotency.Claim]         // of operators' idempotency keys
	unknown     atomic.Pointer[event.UnknownTypeError] // the latest event that only a newer version knows

	mu           sync.RWMutex // guards what follows
	repositories map[aggregate.Prefix]observer
	declared     []Declaration
}

// observer is a repository of whatever kind.
type observer interface {
	// observe brings a cached aggregate up to date with one append to its stream by another instance.
	observe(id uuid.UUID, appended []event.Envelope)
}

// New returns a runtime without repositories and commands. ctx bounds the reading of the ledger's last event.
func New(ctx context.Context, c Config) (*Runtime, error) {
	r := &Runtime{
		store: c.Store, events: c.Events, now: c.Now, newID: c.NewID, hashRequest: c.HashRequest, observe: c.Observe,
		announce: func() {}, repositories: map[aggregate.Prefix]observer{},
	}
	if r.observe == nil {
		r.observe = func(context.Context, Declaration, error, time.Duration) {}
	}
	var err error
	if r.ledgerTime, err = newLedgerTime(ctx, c.Store); err != nil {
		return nil, err
	}
	var announced <-chan struct{}
	if c.Announcer != nil {
		r.announce, announced = c.Announcer.Announce, c.Announcer.Announced()
	}
	if c.Shared {
		r.readIndex = newReadIndex(c.Store, r.ledgerTime.ignoreUntil, announced, r.appended)
	}
	r.claims, err = NewRepository(r, idempotency.Aggregate(), cachedClaims)
	return r, err
}

// cachedClaims is how many claims are kept in memory.
const cachedClaims = 4_096

// NewID returns a new time-ordered id.
func (r *Runtime) NewID() uuid.UUID { return r.newID() }

// LedgerTime returns when the ledger's last event was recorded, as far as this process knows; the zero time for an empty ledger.
func (r *Runtime) LedgerTime() time.Time { return r.ledgerTime.get() }

// UnknownEvent returns the latest event that this process met and that only a newer version of the program knows; nil while it met none.
// Commands on the aggregate of such an event fail with it.
func (r *Runtime) UnknownEvent() *event.UnknownTypeError { return r.unknown.Load() }

// register has a repository observe the streams under a prefix. Equal prefixes are refused; different ones cannot be confused, see
// [aggregate.Prefix].
func (r *Runtime) register(prefix aggregate.Prefix, o observer) error {
	if err := prefix.Validate(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.repositories[prefix]; taken {
		return fmt.Errorf("two kinds of aggregate have the stream prefix %q", string(prefix))
	}
	r.repositories[prefix] = o
	return nil
}

// appended passes the events of one append by another instance to the repository of their stream. Nothing is cached of a stream that has
// no repository here; a newer version of the program, on another instance, may write such streams.
func (r *Runtime) appended(events []event.Envelope) {
	for _, e := range events {
		r.ledgerTime.observe(e)
		r.noteUnknown(r.events.Knows(e))
	}
	prefix, id, ok := aggregate.Split(events[0].Stream)
	if !ok {
		return
	}
	r.mu.RLock()
	repository := r.repositories[prefix]
	r.mu.RUnlock()
	if repository != nil {
		repository.observe(id, events)
	}
}

// decode decodes an event, and notes one that only a newer version of the program knows.
func (r *Runtime) decode(e event.Envelope) (event.Event, error) {
	decoded, err := r.events.Decode(e)
	r.noteUnknown(err)
	return decoded, err
}

func (r *Runtime) noteUnknown(err error) {
	var unknown *event.UnknownTypeError
	if errors.As(err, &unknown) {
		r.unknown.Store(unknown)
	}
}
