package commands

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
	"github.com/licenseledger/licenseledger/eventstore"
)

// ledger is where the repositories read and append.
type ledger struct {
	store  eventstore.Store
	events *event.Registry
	now    func() time.Time
	newID  func() uuid.UUID
}

// folded is an aggregate of type T. A nil *T does not exist.
type folded[T any] interface {
	*T
	Track() event.Track
}

// repository loads aggregates of one kind and changes them. It keeps folded ones in a bounded cache; whatever happens to
// the cached state of an aggregate happens while its turn is held, so that the cache never falls behind the ledger.
type repository[T any] struct {
	ledger
	stream   func(uuid.UUID) string
	fold     func(*T, ...event.Event) (*T, error)
	track    func(*T) event.Track
	notFound error // refuses what belongs to another tenant
	cache    *otter.Cache[uuid.UUID, *T]
	turns    turns
}

func newRepository[T any, S folded[T]](l ledger, cached int, stream func(uuid.UUID) string, fold func(*T, ...event.Event) (*T, error), notFound error) (*repository[T], error) {
	cache, err := otter.New(&otter.Options[uuid.UUID, *T]{MaximumSize: cached})
	if err != nil {
		return nil, fmt.Errorf("make a cache of %d aggregates: %w", cached, err)
	}
	track := func(t *T) event.Track { return S(t).Track() }
	return &repository[T]{ledger: l, stream: stream, fold: fold, track: track, notFound: notFound, cache: cache, turns: newTurns()}, nil
}

// load returns the aggregate, nil when it does not exist.
func (r *repository[T]) load(ctx context.Context, id uuid.UUID) (*T, error) {
	principal, err := tenancy.From(ctx)
	if err != nil {
		return nil, err
	}
	state, cached := r.cache.GetIfPresent(id)
	if !cached {
		release, err := r.turns.take(ctx, id)
		if err != nil {
			return nil, err
		}
		defer release()
		if state, err = r.current(ctx, id); err != nil {
			return nil, err
		}
	}
	if state != nil && !principal.MayTouch(r.track(state).Tenant) {
		return nil, nil
	}
	return state, nil
}

// current returns the aggregate while its turn is held.
func (r *repository[T]) current(ctx context.Context, id uuid.UUID) (*T, error) {
	if state, ok := r.cache.GetIfPresent(id); ok {
		return state, nil
	}
	return r.refresh(ctx, id, nil)
}

// refresh folds what the ledger holds beyond a known state, and caches the result.
func (r *repository[T]) refresh(ctx context.Context, id uuid.UUID, known *T) (*T, error) {
	events, err := r.read(ctx, id, r.track(known).Revision, nil)
	if err != nil {
		return nil, err
	}
	if len(events) == 0 {
		return known, nil
	}
	state, err := r.fold(known, events...)
	if err != nil {
		return nil, err
	}
	r.cache.Set(id, state)
	return state, nil
}

// read returns the events of the aggregate after a revision, up to and including the one at until (nil: to the end).
func (r *repository[T]) read(ctx context.Context, id uuid.UUID, after event.Revision, until *event.Revision) ([]event.Event, error) {
	var events []event.Event
	for envelope, err := range r.store.ReadStream(ctx, r.stream(id), after) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if until != nil && envelope.Revision > *until {
			break
		}
		decoded, err := r.events.Decode(envelope)
		if err != nil {
			return nil, err
		}
		events = append(events, decoded)
	}
	return events, nil
}

// changed is an aggregate after a command.
type changed[T any] struct {
	state  *T
	events []event.Event // what the command caused; empty when everything was as wished already
	Outcome
}

// maxAttempts bounds how often a command is decided anew because somebody else changed the aggregate meanwhile.
const maxAttempts = 16

// change lets decide look at the aggregate (nil: it does not exist) and appends what it returns. A command that was carried
// out before is answered from the aggregate as it was then, and decide is not called.
func (r *repository[T]) change(ctx context.Context, req Request, id uuid.UUID, decide func(state *T, now time.Time) ([]event.Payload, error)) (changed[T], error) {
	principal, err := tenancy.From(ctx)
	if err != nil {
		return changed[T]{}, err
	}
	release, err := r.turns.take(ctx, id)
	if err != nil {
		return changed[T]{}, err
	}
	defer release()
	state, err := r.current(ctx, id)
	for range maxAttempts {
		if err != nil {
			return changed[T]{}, err
		}
		track := r.track(state)
		if state != nil && !principal.MayTouch(track.Tenant) {
			return changed[T]{}, r.notFound
		}
		if repeated, ok := track.Command(req.IdempotencyKey); ok && req.hash != "" {
			return r.replay(ctx, req, id, repeated)
		}
		if req.IfMatch != nil && *req.IfMatch != track.Revision {
			return changed[T]{}, ErrPreconditionFailed.Because("it is at revision %d, not %d", track.Revision, *req.IfMatch)
		}
		payloads, refused := decide(state, r.clock())
		if refused != nil {
			return changed[T]{}, refused
		}
		if len(payloads) == 0 {
			return changed[T]{state: state, Outcome: Outcome{Position: track.Position, Revision: track.Revision}}, nil
		}
		pending, failed := r.pending(payloads, cmp.Or(track.Tenant, principal.Tenant), principal.Actor, req)
		if failed != nil {
			return changed[T]{}, failed
		}
		// A client that leaves does not call its append back: stored after all, behind a cache filled anew meanwhile, it would
		// be missing from every answer until the next change.
		commit, failed := r.store.Append(context.WithoutCancel(ctx), r.stream(id), track.Revision, pending)
		if failed == nil {
			return r.committed(id, state, commit)
		}
		if !errors.Is(failed, eventstore.ErrWrongExpectedRevision) {
			r.cache.Invalidate(id) // whether it was stored is unknown; the next command reads what is there
			return changed[T]{}, failed
		}
		state, err = r.refresh(ctx, id, state)
	}
	return changed[T]{}, ErrContended
}

// committed folds what was appended and caches the result.
func (r *repository[T]) committed(id uuid.UUID, state *T, commit eventstore.Commit) (changed[T], error) {
	events := make([]event.Event, len(commit.Events))
	for i, envelope := range commit.Events {
		decoded, err := r.events.Decode(envelope)
		if err != nil {
			r.cache.Invalidate(id)
			return changed[T]{}, err
		}
		events[i] = decoded
	}
	state, err := r.fold(state, events...)
	if err != nil {
		r.cache.Invalidate(id)
		return changed[T]{}, err
	}
	r.cache.Set(id, state)
	return changed[T]{state: state, events: events, Outcome: Outcome{Position: commit.Position, Revision: commit.Revision}}, nil
}

// replay returns the aggregate as a command left it that was carried out before.
func (r *repository[T]) replay(ctx context.Context, req Request, id uuid.UUID, repeated event.Command) (changed[T], error) {
	if repeated.RequestHash != req.hash {
		return changed[T]{}, ErrIdempotencyKeyReused
	}
	history, err := r.read(ctx, id, 0, &repeated.Revision)
	if err != nil {
		return changed[T]{}, err
	}
	state, err := r.fold(nil, history...)
	if err != nil {
		return changed[T]{}, err
	}
	var caused []event.Event
	for _, e := range history {
		if e.CommandID == req.IdempotencyKey {
			caused = append(caused, e)
		}
	}
	track := r.track(state)
	return changed[T]{state: state, events: caused, Outcome: Outcome{Position: track.Position, Revision: track.Revision, Replayed: true}}, nil
}

// pending dresses payloads for the ledger.
func (r *repository[T]) pending(payloads []event.Payload, tenant, actor string, req Request) ([]event.Pending, error) {
	commandID := req.IdempotencyKey
	if commandID == "" {
		commandID = r.newID().String()
	}
	now := r.clock()
	pending := make([]event.Pending, len(payloads))
	for i, p := range payloads {
		data, err := event.Encode(p)
		if err != nil {
			return nil, err
		}
		who := actor
		if _, byTime := p.(event.Elapsed); byTime {
			who = string(tenancy.System)
		}
		pending[i] = event.Pending{
			ID:         r.newID(),
			Type:       p.EventType(),
			RecordedAt: now,
			Metadata: event.Metadata{
				Tenant:      tenant,
				Actor:       who,
				Correlation: req.Correlation,
				Causation:   commandID,
				CommandID:   commandID,
				RequestHash: req.hash,
			},
			Data: data,
		}
	}
	return pending, nil
}

// turns lets one command at a time change an aggregate, so that commands of this process do not race each other to the
// ledger. Aggregates share a fixed number of turns; sharing one costs a wait, nothing else.
type turns []chan struct{}

const sharedTurns = 4_096

func newTurns() turns {
	t := make(turns, sharedTurns)
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the turn of an aggregate; release gives it back.
func (t turns) take(ctx context.Context, id uuid.UUID) (release func(), err error) {
	turn := t[binary.BigEndian.Uint64(id[8:])%uint64(len(t))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
