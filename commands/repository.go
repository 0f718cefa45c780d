package commands

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/tenancy"
	"github.com/licenseledger/licenseledger/eventstore"
)

// folded is an aggregate of type T. A nil *T does not exist.
type folded[T any] interface {
	*T
	StreamState() event.StreamState
}

// repository loads aggregates of one kind and changes them.
type repository[T any] struct {
	*ledger
	aggregate.Definition[T]
	track func(*T) event.StreamState
	shelf *shelf[T]
	// snapshots are nil when there are none to be shared. The claim of an aggregate lets one goroutine at a time load its own.
	snapshots snapshots[T]
}

// newRepository returns the repository of a kind of aggregate, which keeps up to cached of them folded in memory. The ledger hands it
// every append of another instance from now on. It fails when the ledger has a repository under the same prefix.
func newRepository[T any, S folded[T]](l *ledger, definition aggregate.Definition[T], cached int) (*repository[T], error) {
	track := func(t *T) event.StreamState { return S(t).StreamState() }
	shelf, err := newShelf(cached, func(t *T) event.Revision { return track(t).Revision })
	if err != nil {
		return nil, err
	}
	r := &repository[T]{ledger: l, Definition: definition, track: track, shelf: shelf}
	return r, l.register(definition.Prefix, r)
}

// load returns the aggregate as of the call or later, nil when it does not exist.
func (r *repository[T]) load(ctx context.Context, id uuid.UUID) (*T, error) {
	if err := r.follower.catchUp(ctx); err != nil {
		return nil, err
	}
	return r.find(ctx, id)
}

// find is load for a request that has loaded something already: what it finds is as of then or later.
func (r *repository[T]) find(ctx context.Context, id uuid.UUID) (*T, error) {
	principal, err := tenancy.From(ctx)
	if err != nil {
		return nil, err
	}
	state, known := r.shelf.get(id)
	if !known {
		claim, err := r.shelf.claim(ctx, id)
		if err != nil {
			return nil, err
		}
		defer claim.release()
		if state, err = r.current(ctx, claim); err != nil {
			return nil, err
		}
	}
	if state != nil && !principal.MayTouch(r.track(state).Tenant) {
		return nil, nil
	}
	return state, nil
}

// current returns a claimed aggregate, which may lack what other instances have appended since the follower last looked.
func (r *repository[T]) current(ctx context.Context, claim *claim[T]) (*T, error) {
	if state, ok := r.shelf.get(claim.id); ok {
		return state, nil
	}
	return r.refresh(ctx, claim, nil)
}

// refresh folds what the ledger holds beyond a known state of a claimed aggregate, or beyond a snapshot of an unknown one.
func (r *repository[T]) refresh(ctx context.Context, claim *claim[T], known *T) (*T, error) {
	if known == nil {
		state, err := r.recall(ctx, claim.id)
		if err != nil {
			return nil, err
		}
		if state != nil {
			claim.put(state)
			return state, nil
		}
	}
	events, err := r.read(ctx, claim.id, r.track(known).Revision, nil)
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
	claim.put(state)
	r.keep(r.track(known).Revision, state)
	return state, nil
}

// follow implements [following].
func (r *repository[T]) follow(id uuid.UUID, together []event.Envelope) {
	r.shelf.follow(id, together[0].Revision, together[len(together)-1].Revision, func(before *T) (*T, error) {
		events := make([]event.Event, len(together))
		for i, e := range together {
			var err error
			if events[i], err = r.decode(e); err != nil {
				return nil, err
			}
		}
		return r.Fold(before, events...)
	})
}

// read returns the events of the aggregate after a revision, up to and including the one at until (nil: to the end).
func (r *repository[T]) read(ctx context.Context, id uuid.UUID, after event.Revision, until *event.Revision) ([]event.Event, error) {
	var events []event.Event
	for envelope, err := range r.store.ReadStream(ctx, r.Prefix.Stream(id), after) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		r.time.observe(envelope)
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
//
// The state to decide on may be behind the ledger. An append proves that it was not; whatever else is answered is decided once
// more after catching up.
func (r *repository[T]) change(ctx context.Context, req Request, id uuid.UUID, decide func(state *T, now time.Time) ([]event.Payload, error)) (changed[T], error) {
	principal, err := tenancy.From(ctx)
	if err != nil {
		return changed[T]{}, err
	}
	claim, err := r.shelf.claim(ctx, id)
	if err != nil {
		return changed[T]{}, err
	}
	defer claim.release()
	level := r.follower == nil
	state, err := r.current(ctx, claim)
	for range maxAttempts {
		if err != nil {
			return changed[T]{}, err
		}
		track := r.track(state)
		if repeated, ok := track.Command(req.IdempotencyKey); ok && req.hash != "" && principal.MayTouch(track.Tenant) {
			return r.replay(ctx, req, id, repeated)
		}
		payloads, refused := r.decided(principal, req, state, decide)
		if len(payloads) == 0 && !level {
			if err = r.follower.catchUp(ctx); err == nil {
				state, err = r.current(ctx, claim)
			}
			level = true
			continue
		}
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
		commit, failed := r.store.Append(context.WithoutCancel(ctx), r.Prefix.Stream(id), track.Revision, pending)
		if failed == nil {
			return r.committed(claim, state, commit)
		}
		if errors.Is(failed, eventstore.ErrBusy) {
			return changed[T]{}, failed
		}
		if !errors.Is(failed, eventstore.ErrWrongExpectedRevision) {
			claim.drop() // whether it was stored is unknown; the next command reads what is there
			return changed[T]{}, failed
		}
		state, err = r.refresh(ctx, claim, state)
	}
	return changed[T]{}, ErrContended
}

// decided returns what a command causes; nothing when it is refused or everything is as wished already.
func (r *repository[T]) decided(principal tenancy.Principal, req Request, state *T, decide func(*T, time.Time) ([]event.Payload, error)) ([]event.Payload, error) {
	track := r.track(state)
	if state != nil && !principal.MayTouch(track.Tenant) {
		return nil, r.NotFound
	}
	if req.IfMatch != nil && *req.IfMatch != track.Revision {
		return nil, ErrPreconditionFailed.WithMessage("it is at revision %d, not %d", track.Revision, *req.IfMatch)
	}
	payloads, refused := decide(state, r.at(req))
	if refused != nil {
		return nil, refused
	}
	return payloads, nil
}

// committed folds what was appended.
func (r *repository[T]) committed(claim *claim[T], state *T, commit eventstore.Commit) (changed[T], error) {
	events := make([]event.Event, len(commit.Events))
	for i, envelope := range commit.Events {
		r.time.observe(envelope)
		decoded, err := r.decode(envelope)
		if err != nil {
			claim.drop()
			return changed[T]{}, err
		}
		events[i] = decoded
	}
	before := r.track(state).Revision
	state, err := r.Fold(state, events...)
	if err != nil {
		claim.drop()
		return changed[T]{}, err
	}
	claim.put(state)
	r.announce()
	r.keep(before, state)
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
	state, err := r.Fold(nil, history...)
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
