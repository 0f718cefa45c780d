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

// maxAttempts bounds how often a command is decided, because another instance may change the aggregate each time.
const maxAttempts = 16

// Execute lets decide look at an aggregate and appends the events that it returns. A command that was carried out before is answered from
// the aggregate as it was then, and decide is not called.
//
// A command is decided on the newest state, even if what led to it is still in flight, and waits for that. The state may be older than the
// ledger. An append proves that it is not, because it expects the state's revision. Any other answer is given only after the read index has
// synced.
func (r *Repository[T]) Execute(ctx context.Context, req Request, id uuid.UUID, decide Decide[T]) (Result[T], error) {
	principal, err := access.From(ctx)
	if err != nil {
		return Result[T]{}, err
	}
	x := &execution[T]{Repository: r, principal: principal, req: req, id: id, decide: decide, synced: r.readIndex == nil}
	for range maxAttempts {
		d, err := x.takeTurn(ctx)
		var result Result[T]
		switch {
		case err != nil:
		case d.unclaimed:
			result, err = x.claimKey(ctx, d)
		case d.caused != nil:
			result, err = x.carryOut(ctx, d.caused)
		default:
			result, err = x.answer(ctx, d)
		}
		if !errors.Is(err, errAgain) {
			return result, err
		}
	}
	return Result[T]{}, ErrContended
}

// execution is a command on an aggregate, on its way through one or more attempts.
type execution[T any] struct {
	*Repository[T]
	principal access.Principal
	req       Request
	id        uuid.UUID
	decide    Decide[T]

	synced  bool           // since the command came
	claimed bool           // the idempotency key, for this command
	atLeast event.Revision // that the ledger is known to hold
	alone   bool           // share an append with no other command
}

// decision is what a command comes to on a state.
type decision[T any] struct {
	state    *T
	at       time.Time
	payloads []event.Payload
	refusal  error
	repeated *event.Command // that the command repeats

	unclaimed bool       // the payloads may be recorded once the idempotency key is claimed
	restsOn   *caused[T] // the latest of the events in flight that led to the state; nil: all that led to it are durable
	caused    *caused[T] // the payloads, in flight
}

// takeTurn decides on the newest state of the aggregate and puts the events in flight. It fails with errAgain when the command is to be
// decided again.
func (x *execution[T]) takeTurn(ctx context.Context) (d decision[T], err error) {
	lock, f, err := x.cache.enter(ctx, x.id)
	if err != nil {
		return d, err
	}
	defer lock.release()
	if f != nil {
		d, err = x.evaluateOn(f)
	} else {
		d, err = x.evaluateDurable(ctx, lock)
	}
	if err != nil {
		return d, err
	}
	if len(d.payloads) == 0 {
		return d, nil
	}
	if d.unclaimed = x.req.claim != nil && !x.claimed; d.unclaimed {
		return d, nil
	}
	if due := timeDriven(d.payloads); due > MaxPortion {
		d.payloads = d.payloads[:due]
		return d, x.record(ctx, lock, f, d)
	}
	d.caused, err = x.put(lock, f, d, x.req)
	return d, err
}

// evaluateOn evaluates the command on the state that events in flight lead to. It is not recorded at an earlier time than they are.
func (x *execution[T]) evaluateOn(f *inFlight[T]) (decision[T], error) {
	state, err := f.advance(x.Fold)
	if err != nil {
		return decision[T]{}, err
	}
	at := x.timeOf(x.req)
	if f.recorded.After(at) && !x.req.atPresent {
		at = f.recorded
	}
	d := x.evaluate(state, at)
	d.restsOn = f.latest()
	return d, nil
}

// evaluateDurable evaluates the command on the locked aggregate, which has no events in flight.
func (x *execution[T]) evaluateDurable(ctx context.Context, lock *aggregateLock[T]) (decision[T], error) {
	state, err := x.current(ctx, lock)
	if err == nil && x.stateOf(state).Revision < x.atLeast {
		state, err = x.refresh(ctx, lock, state)
	}
	if err != nil {
		return decision[T]{}, err
	}
	return x.evaluate(state, x.timeOf(x.req)), nil
}

// put puts the payloads in flight that were decided on a state, and so on the events in flight that led to it, f.
func (x *execution[T]) put(lock *aggregateLock[T], f *inFlight[T], d decision[T], req Request) (*caused[T], error) {
	stream := x.stateOf(d.state)
	pending, err := x.newEvents(stream, req, d.at, d.payloads)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(pending))
	for i, e := range pending {
		events[i], err = x.decode(event.Envelope{Stream: x.Prefix.Stream(x.id), Revision: stream.Revision + event.Revision(i) + 1, Pending: e})
		if err != nil {
			return nil, err
		}
	}
	return lock.join(f, d.state, pending, events, joining{alone: x.alone, last: req.atPresent})
}

// carryOut returns when the command's own events are durable. It fails with errAgain when they are known not to be, and the command is to
// be decided again.
func (x *execution[T]) carryOut(ctx context.Context, own *caused[T]) (Result[T], error) {
	if own.leads {
		x.appendGroup(ctx, own.group)
	}
	<-own.group.done
	if own.group.err != nil {
		return Result[T]{}, x.failure(own.group)
	}
	result := x.resultOf(own.state, own.events)
	if x.req.hash != "" {
		x.results.Set(carriedOut{x.id, x.req.commandID}, result)
	}
	return result, nil
}

// answer answers the command, which causes nothing, once all that the decision rests on is durable and the read index has synced. It fails
// with errAgain when the command is to be decided again.
func (x *execution[T]) answer(ctx context.Context, d decision[T]) (Result[T], error) {
	if err := x.awaitRest(ctx, d); err != nil {
		return Result[T]{}, err
	}
	if d.restsOn != nil {
		// The same state again, now with positions, which an answer may name.
		d = x.evaluate(d.restsOn.state, d.at)
	}
	switch {
	case d.repeated != nil:
		return x.replay(ctx, x.req, x.id, *d.repeated)
	case !x.synced:
		if err := x.readIndex.sync(ctx); err != nil {
			return Result[T]{}, err
		}
		x.synced = true
		return Result[T]{}, errAgain
	case d.refusal != nil && d.state != nil && x.req.opens:
		return x.replayOpener(ctx, d.refusal)
	case d.refusal != nil:
		return Result[T]{}, d.refusal
	}
	return x.resultOf(d.state, nil), nil
}

// awaitRest returns when all that a decision rests on is durable. It fails with errAgain when that is known not to be.
func (x *execution[T]) awaitRest(ctx context.Context, d decision[T]) error {
	if d.restsOn == nil {
		return nil
	}
	if err := d.restsOn.group.wait(ctx); err != nil {
		return err
	}
	if d.restsOn.group.err != nil {
		_ = x.failure(d.restsOn.group)
		return errAgain
	}
	return nil
}

func (r *Repository[T]) resultOf(state *T, caused []event.Event) Result[T] {
	stream := r.stateOf(state)
	return Result[T]{State: state, Events: caused, Outcome: Outcome{Position: stream.Position, Revision: stream.Revision}}
}

// failure returns why a group failed: errAgain when nothing of it was stored and its commands are to be decided again.
func (x *execution[T]) failure(g *group[T]) error {
	switch {
	case errors.Is(g.err, eventstore.ErrWrongExpectedRevision):
		x.atLeast = g.expected + 1
	case errors.Is(g.err, eventstore.ErrInvalidAppend) && len(g.commands) > 1:
		x.alone = true // one of them is invalid
	default:
		return g.err
	}
	return errAgain
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

// record appends what time has brought about, in portions, while others wait for the lock. They are no part of the command: if it is
// conditional, then on the revision after them; if it fails, they stay. A process that ends between two portions leaves a stream for
// which the rest is due. It always fails: with errAgain when all is recorded.
func (x *execution[T]) record(ctx context.Context, lock *aggregateLock[T], f *inFlight[T], due decision[T]) error {
	for portion := range slices.Chunk(due.payloads, MaxPortion) {
		if err := ctx.Err(); err != nil {
			return err // nobody waits any more, and the rest stays due
		}
		due.payloads = portion
		c, err := x.put(lock, f, due, Request{Correlation: x.req.Correlation, atPresent: x.req.atPresent})
		if err != nil {
			return err
		}
		recorded, err := x.carryOut(ctx, c)
		if err != nil {
			return err
		}
		f, due.state = nil, recorded.State
		if x.req.IfMatch != nil {
			x.req.IfMatch = []event.Revision{recorded.Revision}
		}
	}
	return errAgain
}

// evaluate returns what the command comes to on a state at a time. There are no payloads when it repeats another, is refused, or when
// everything is as wished already.
func (x *execution[T]) evaluate(state *T, at time.Time) decision[T] {
	stream := x.stateOf(state)
	if state != nil && !x.principal.MayTouch(stream.Tenant) {
		return decision[T]{at: at, refusal: x.NotFound}
	}
	d := decision[T]{state: state, at: at}
	if repeated, ok := remembered(stream, x.principal, x.req); ok {
		d.repeated = &repeated
		return d
	}
	if d.refusal = x.req.CheckRevision(stream.Revision); d.refusal != nil {
		return d
	}
	if d.payloads, d.refusal = x.decide(state, at); d.refusal != nil {
		d.payloads = nil
	}
	return d
}

// CheckRevision returns ErrPreconditionFailed when the client expects another revision of the aggregate.
func (req Request) CheckRevision(current event.Revision) error {
	if req.IfMatch != nil && !slices.Contains(req.IfMatch, current) {
		return ErrPreconditionFailed.WithMessage("the resource has changed since you read it: it is at revision %d, not at one that you expect",
			current)
	}
	return nil
}

// newEvents returns payloads as events that are ready to be appended to a stream.
func (x *execution[T]) newEvents(stream event.StreamState, req Request, at time.Time, payloads []event.Payload) ([]event.Pending, error) {
	commandID := req.commandID
	if commandID == "" {
		commandID = x.newID().String()
	}
	metadata := event.Metadata{
		Tenant:      cmp.Or(stream.Tenant, x.principal.Tenant),
		Actor:       x.principal.Actor,
		Correlation: req.Correlation,
		Causation:   commandID,
		CommandID:   commandID,
		RequestHash: req.hash,
	}
	events := make([]event.Pending, len(payloads))
	for i, p := range payloads {
		data, err := event.Encode(p)
		if err != nil {
			return nil, err
		}
		events[i] = event.Pending{ID: x.newID(), Type: p.EventType(), RecordedAt: at, Metadata: metadata, Data: data}
		if _, timeDriven := p.(event.TimeDriven); timeDriven {
			events[i].Actor = string(access.System)
		}
	}
	return events, nil
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

// replay returns the result of a command that was carried out before. When it is not in memory any more, it takes as long as to fold the
// stream.
func (r *Repository[T]) replay(ctx context.Context, req Request, id uuid.UUID, repeated event.Command) (Result[T], error) {
	if !repeated.HasRequestHash(req.hash) {
		return Result[T]{}, ErrIdempotencyKeyReused
	}
	result, cached := r.results.GetIfPresent(carriedOut{id, repeated.ID})
	if !cached {
		history, err := r.read(ctx, id, 0, &repeated.Revision)
		if err != nil {
			return Result[T]{}, err
		}
		state, err := r.Fold(nil, history...)
		if err != nil {
			return Result[T]{}, err
		}
		caused := slices.DeleteFunc(history, func(e event.Event) bool { return e.CommandID != repeated.ID })
		result = r.resultOf(state, caused)
		r.results.Set(carriedOut{id, repeated.ID}, result)
	}
	result.Replayed = true
	return result, nil
}
