package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Folded is a pointer to an aggregate's state of type T. A nil *T does not exist.
type Folded[T any] interface {
	*T
	StreamState() event.StreamState
}

// Repository loads and changes the aggregates of one kind. It is safe for concurrent use.
type Repository[T any] struct {
	*Runtime
	aggregate.Definition[T]
	stateOf   func(*T) event.StreamState
	cache     *aggregateCache[T]
	results   *otter.Cache[carriedOut, Result[T]] // of commands that may be repeated
	snapshots Snapshots[T]                        // nil: there are none
}

// carriedOut names a command that was carried out.
type carriedOut struct {
	aggregate uuid.UUID
	command   string
}

// cachedResults is how many results of commands are kept in memory. A result keeps a former state, which shares most of its memory with
// the state of today.
const cachedResults = 1_024

// NewRepository returns the repository of a kind of aggregate. It keeps up to cached folded aggregates in memory, and observes every append
// of another instance from now on. It fails when there is a repository under the same prefix.
func NewRepository[T any, S Folded[T]](r *Runtime, definition aggregate.Definition[T], cached int) (*Repository[T], error) {
	stateOf := func(t *T) event.StreamState { return S(t).StreamState() }
	cache, err := newAggregateCache(cached, func(t *T) event.Revision { return stateOf(t).Revision })
	if err != nil {
		return nil, err
	}
	results, err := otter.New(&otter.Options[carriedOut, Result[T]]{MaximumSize: cachedResults})
	if err != nil {
		return nil, err
	}
	repository := &Repository[T]{Runtime: r, Definition: definition, stateOf: stateOf, cache: cache, results: results}
	r.ledgerTime.allowReset(definition.ResetsTime)
	return repository, r.register(definition.Prefix, repository)
}

// Now returns the time at which commands are decided and recorded: the clock's, but never before the ledger's last event.
func (r *Runtime) Now() time.Time {
	now := r.present()
	if last := r.ledgerTime.get(); last.After(now) {
		return last
	}
	return now
}

// present returns the clock's time as the ledger keeps it: UTC, in whole microseconds.
func (r *Runtime) present() time.Time { return r.now().UTC().Truncate(time.Microsecond) }

// timeOf returns the time at which a request is decided and recorded.
func (r *Runtime) timeOf(req Request) time.Time {
	if req.atPresent {
		return r.present()
	}
	return r.Now()
}

// Load returns the aggregate as of the call or later; nil when it does not exist or is not the principal's.
func (r *Repository[T]) Load(ctx context.Context, id uuid.UUID) (*T, error) {
	if err := r.readIndex.sync(ctx); err != nil {
		return nil, err
	}
	return r.Find(ctx, id)
}

// Find is Load for a command that has loaded something already: it returns the aggregate as of then or later.
func (r *Repository[T]) Find(ctx context.Context, id uuid.UUID) (*T, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return nil, err
	}
	state, err := r.FindRelated(ctx, id)
	if err != nil || state == nil || !principal.MayTouch(r.stateOf(state).Tenant) {
		return nil, err
	}
	return state, nil
}

// FindRelated is Find for what belongs to an aggregate that the principal may touch, such as the product of its licence.
func (r *Repository[T]) FindRelated(ctx context.Context, id uuid.UUID) (*T, error) {
	if state, cached := r.cache.get(id); cached {
		return state, nil
	}
	lock, err := r.cache.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer lock.release()
	return r.current(ctx, lock)
}

// current returns a locked aggregate. It may lack what other instances have appended since the read index last synced.
func (r *Repository[T]) current(ctx context.Context, lock *aggregateLock[T]) (*T, error) {
	if state, ok := r.cache.get(lock.id); ok {
		return state, nil
	}
	state, err := r.loadSnapshot(ctx, lock.id)
	if err != nil {
		return nil, err
	}
	if state != nil {
		lock.set(state)
		return state, nil
	}
	return r.refresh(ctx, lock, nil)
}

// refresh folds onto a state of a locked aggregate what the ledger holds beyond it.
func (r *Repository[T]) refresh(ctx context.Context, lock *aggregateLock[T], known *T) (*T, error) {
	events, err := r.read(ctx, lock.id, r.stateOf(known).Revision, nil)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return known, nil
	}
	state, err := r.Fold(known, events...)
	if err != nil {
		return nil, err
	}
	lock.set(state)
	r.saveSnapshot(r.stateOf(known).Revision, state)
	return state, nil
}

// observe implements [observer].
func (r *Repository[T]) observe(id uuid.UUID, appended []event.Envelope) {
	r.cache.observe(id, appended[0].Revision, appended[len(appended)-1].Revision, func(before *T) (*T, error) {
		events := make([]event.Event, len(appended))
		for i, e := range appended {
			var err error
			if events[i], err = r.decode(e); err != nil {
				return nil, err
			}
		}
		return r.Fold(before, events...)
	})
}

// read returns the events of the aggregate after a revision, up to and including the one at until (nil: to the end).
func (r *Repository[T]) read(ctx context.Context, id uuid.UUID, after event.Revision, until *event.Revision) ([]event.Event, error) {
	var events []event.Event
	for envelope, err := range r.store.ReadStream(ctx, r.Prefix.Stream(id), after) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		r.ledgerTime.observe(envelope)
		if until != nil && envelope.Revision > *until {
			break
		}
		decoded, err := r.decode(envelope)
		if err != nil {
			return nil, err
		}
		events = append(events, decoded)
	}
	return events, nil
}
