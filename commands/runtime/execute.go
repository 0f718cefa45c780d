package runtime

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

// Decide returns the events that a command causes in an aggregate (nil: it does not exist) at a time. No events: everything is as wished
// already. It may be called more than once.
type Decide[T any] func(state *T, now time.Time) ([]event.Payload, error)

// Result is an aggregate after a command.
type Result[T any] struct {
	State  *T
	Events []event.Event // what the command caused; empty when everything was as wished already
	Outcome
}

// maxAttempts bounds how often a command is decided again because another instance changed the aggregate meanwhile.
const maxAttempts = 16

// Execute lets decide look at an aggregate and appends the events that it returns. A command that was carried out before is answered from
// the aggregate as it was then, and decide is not called.
//
// The state that is decided on may be older than the ledger. An append proves that it is not, because it expects the state's revision.
// Any other answer is given only after the read index has synced.
func (r *Repository[T]) Execute(ctx context.Context, req Request, id uuid.UUID, decide Decide[T]) (Result[T], error) {
	principal, err := access.From(ctx)
	if err != nil {
		return Result[T]{}, err
	}
	lock, err := r.cache.lock(ctx, id)
	if err != nil {
		return Result[T]{}, err
	}
	defer lock.release()
	synced := r.readIndex == nil
	state, err := r.current(ctx, lock)
	for range maxAttempts {
		if err != nil {
			return Result[T]{}, err
		}
		stream := r.stateOf(state)
		if repeated, ok := remembered(stream, principal, req); ok && principal.MayTouch(stream.Tenant) {
			return r.replay(ctx, req, id, repeated)
		}
		payloads, refusal := r.evaluate(principal, req, state, decide)
		if len(payloads) == 0 && !synced {
			if err = r.readIndex.sync(ctx); err == nil {
				state, err = r.current(ctx, lock)
			}
			synced = true
			continue
		}
		if refusal != nil {
			return Result[T]{}, refusal
		}
		if len(payloads) == 0 {
			return Result[T]{State: state, Outcome: Outcome{Position: stream.Position, Revision: stream.Revision}}, nil
		}
		var failed error
		if due := timeDriven(payloads); due > MaxPortion {
			state, failed = r.record(ctx, lock, state, principal, &req, payloads[:due])
		} else {
			var result Result[T]
			if result, failed = r.append(ctx, lock, state, principal, req, payloads); failed == nil {
				return result, nil
			}
		}
		switch {
		case failed == nil: // decide again, on what is recorded now
		case errors.Is(failed, eventstore.ErrWrongExpectedRevision):
			state, err = r.refresh(ctx, lock, state)
		default:
			return Result[T]{}, failed
		}
	}
	return Result[T]{}, ErrContended
}

// MaxPortion is how many time-driven events are appended at once. More may be due together than an engine appends, and than
// others should wait for.
const MaxPortion = 1_000

// timeDriven returns how many events time has brought about before those of the command.
func timeDriven(payloads []event.Payload) int {
	for i, p := range payloads {
		if _, is := p.(event.TimeDriven); !is {
			return i
		}
	}
	return len(payloads)
}

// record appends what time has brought about, in portions, and returns the state after them. They are no part of the command: if it is
// conditional, then on the revision after them; if it fails, they stay. A process that ends between two portions leaves a stream for
// which the rest is due.
func (r *Repository[T]) record(ctx context.Context, lock *aggregateLock[T], state *T, principal access.Principal, req *Request,
	due []event.Payload) (*T, error) {
	for portion := range slices.Chunk(due, MaxPortion) {
		if err := ctx.Err(); err != nil {
			return state, err // nobody waits any more, and the rest stays due
		}
		result, err := r.append(ctx, lock, state, principal, Request{Correlation: req.Correlation, atPresent: req.atPresent}, portion)
		if err != nil {
			return state, err
		}
		state = result.State
		if req.IfMatch != nil {
			req.IfMatch = &result.Revision
		}
	}
	return state, nil
}

// append appends events to the stream of a state. After any error but a wrong revision the command has failed.
func (r *Repository[T]) append(ctx context.Context, lock *aggregateLock[T], state *T, principal access.Principal, req Request,
	payloads []event.Payload) (Result[T], error) {
	stream := r.stateOf(state)
	pending, err := r.newEvents(payloads, cmp.Or(stream.Tenant, principal.Tenant), principal.Actor, req)
	if err != nil {
		return Result[T]{}, err
	}
	// Do not cancel the append with the request: it might still commit, and the cache would then be stale.
	commit, err := r.store.Append(context.WithoutCancel(ctx), r.Prefix.Stream(lock.id), stream.Revision, pending)
	if err != nil {
		if !errors.Is(err, eventstore.ErrBusy) && !errors.Is(err, eventstore.ErrWrongExpectedRevision) {
			lock.invalidate() // whether it was appended is unknown; the next command reads what is there
		}
		return Result[T]{}, err
	}
	return r.apply(lock, state, commit)
}

// evaluate returns what a command causes; nothing when it is refused or everything is as wished already.
func (r *Repository[T]) evaluate(principal access.Principal, req Request, state *T, decide Decide[T]) ([]event.Payload, error) {
	stream := r.stateOf(state)
	if state != nil && !principal.MayTouch(stream.Tenant) {
		return nil, r.NotFound
	}
	if err := req.CheckRevision(stream.Revision); err != nil {
		return nil, err
	}
	payloads, refusal := decide(state, r.timeOf(req))
	if refusal != nil {
		return nil, refusal
	}
	return payloads, nil
}

// CheckRevision returns ErrPreconditionFailed when the client expects another revision of the aggregate.
func (req Request) CheckRevision(current event.Revision) error {
	if req.IfMatch != nil && *req.IfMatch != current {
		return ErrPreconditionFailed.WithMessage("the resource has changed since you read it: it is at revision %d, not %d",
			current, *req.IfMatch)
	}
	return nil
}

// newEvents returns payloads as events that are ready to be appended.
func (r *Repository[T]) newEvents(payloads []event.Payload, tenant, actor string, req Request) ([]event.Pending, error) {
	commandID := req.commandID
	if commandID == "" {
		commandID = r.newID().String()
	}
	now := r.timeOf(req)
	events := make([]event.Pending, len(payloads))
	for i, p := range payloads {
		data, err := event.Encode(p)
		if err != nil {
			return nil, err
		}
		by := actor
		if _, timeDriven := p.(event.TimeDriven); timeDriven {
			by = string(access.System)
		}
		events[i] = event.Pending{
			ID:         r.newID(),
			Type:       p.EventType(),
			RecordedAt: now,
			Metadata: event.Metadata{
				Tenant:      tenant,
				Actor:       by,
				Correlation: req.Correlation,
				Causation:   commandID,
				CommandID:   commandID,
				RequestHash: req.hash,
			},
			Data: data,
		}
	}
	return events, nil
}

// apply folds what was appended.
func (r *Repository[T]) apply(lock *aggregateLock[T], before *T, commit eventstore.Commit) (Result[T], error) {
	events := make([]event.Event, len(commit.Events))
	for i, envelope := range commit.Events {
		r.ledgerTime.observe(envelope)
		decoded, err := r.decode(envelope)
		if err != nil {
			lock.invalidate()
			return Result[T]{}, err
		}
		events[i] = decoded
	}
	state, err := r.Fold(before, events...)
	if err != nil {
		lock.invalidate()
		return Result[T]{}, err
	}
	lock.set(state)
	r.announce()
	r.saveSnapshot(r.stateOf(before).Revision, state)
	return Result[T]{State: state, Events: events, Outcome: Outcome{Position: commit.Position, Revision: commit.Revision}}, nil
}

// remembered finds the command that a request repeats. Versions before 0.9 recorded the idempotency key itself; such a key too belongs to
// the kind of principal that used it.
func remembered(stream event.StreamState, principal access.Principal, req Request) (event.Command, bool) {
	if req.hash == "" {
		return event.Command{}, false
	}
	if repeated, ok := stream.Command(req.commandID); ok {
		return repeated, true
	}
	inClear, ok := stream.Command(req.IdempotencyKey)
	return inClear, ok && inClear.ByMachine == (principal.Role == access.Machine)
}

// replay returns the aggregate as a command left it that was carried out before.
func (r *Repository[T]) replay(ctx context.Context, req Request, id uuid.UUID, repeated event.Command) (Result[T], error) {
	if repeated.RequestHash != req.hash {
		return Result[T]{}, ErrIdempotencyKeyReused
	}
	history, err := r.read(ctx, id, 0, &repeated.Revision)
	if err != nil {
		return Result[T]{}, err
	}
	state, err := r.Fold(nil, history...)
	if err != nil {
		return Result[T]{}, err
	}
	var caused []event.Event
	for _, e := range history {
		if e.CommandID == repeated.ID {
			caused = append(caused, e)
		}
	}
	stream := r.stateOf(state)
	return Result[T]{State: state, Events: caused, Outcome: Outcome{Position: stream.Position, Revision: stream.Revision, Replayed: true}}, nil
}
