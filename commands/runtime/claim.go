package runtime

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/eventstore"
)

// keyClaim is the claim of an operator's idempotency key, which must be made before anything of the request is recorded.
type keyClaim struct {
	id        uuid.UUID // of the claim
	command   string    // name, id and hash of the command that came with the key
	commandID string
	hash      string
}

// Part returns the request for one of the commands that a command consists of. number tells it from the others and is the same in a
// repetition. The parts share the claim of the whole.
func (req Request) Part(number string) Request {
	part := Request{Correlation: req.Correlation, claim: req.claim}
	if req.IdempotencyKey != "" {
		part.IdempotencyKey = req.IdempotencyKey + "#" + number
	}
	return part
}

// CheckClaim fails with ErrIdempotencyKeyReused when the request's idempotency key was used for another request. A command that consists of
// others calls it first.
func (r *Runtime) CheckClaim(ctx context.Context, req Request) error {
	if req.claim == nil {
		return nil
	}
	claimed, err := r.claims.Load(ctx, req.claim.id)
	if err != nil || claimed == nil {
		return err
	}
	if by, _ := claimed.StreamState().Command(req.claim.commandID); !by.HasRequestHash(req.claim.hash) {
		return ErrIdempotencyKeyReused
	}
	return nil
}

// claimKey claims the command's idempotency key, and then fails with errAgain. A command whose key was claimed before may have been carried
// out and forgotten by its aggregate since; then it is answered as it was then.
func (x *execution[T]) claimKey(ctx context.Context, d decision[T]) (Result[T], error) {
	if err := x.awaitRest(ctx, d); err != nil { // the claim names a revision, which must be there
		return Result[T]{}, err
	}
	c := x.req.claim
	claimed := idempotency.KeyClaimed{Command: c.command}
	if c.commandID == x.req.commandID { // it is the command's own, not that of a whole
		claimed.Stream, claimed.Revision = x.Prefix.Stream(x.id), x.stateOf(d.state).Revision
	}
	req := Request{Correlation: x.req.Correlation, commandID: c.commandID, hash: c.hash}
	result, err := x.claims.Execute(ctx, req, c.id, func(_ *idempotency.Claim, now time.Time) ([]event.Payload, error) {
		claimed.ClaimedAt = now
		return []event.Payload{claimed}, nil
	})
	if err != nil {
		return Result[T]{}, err
	}
	x.claimed = true
	if !result.Replayed || x.req.opens {
		return Result[T]{}, errAgain
	}
	forgotten, found, err := x.search(ctx, result.State.Revision)
	if err == nil && found {
		return x.replay(ctx, x.req, x.id, forgotten)
	}
	return Result[T]{}, cmp.Or(err, errAgain)
}

// search looks for the command in the aggregate's stream after a revision.
func (x *execution[T]) search(ctx context.Context, after event.Revision) (command event.Command, found bool, err error) {
	for e, err := range x.store.ReadStream(ctx, x.Prefix.Stream(x.id), after) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return command, false, nil
		}
		if err != nil {
			return command, false, err
		}
		if e.CommandID == x.req.commandID {
			command, found = event.CommandOf(e), true
		}
	}
	return command, found, nil
}

// replayOpener answers a command whose aggregate exists already: as it was answered then if it is the command that opened the stream, which
// the aggregate has forgotten, else with the refusal.
func (x *execution[T]) replayOpener(ctx context.Context, refusal error) (Result[T], error) {
	for e, err := range x.store.ReadStream(ctx, x.Prefix.Stream(x.id), 0) {
		if err != nil {
			return Result[T]{}, err
		}
		if e.CommandID != x.req.commandID && e.CommandID != x.req.IdempotencyKey {
			break
		}
		return x.replay(ctx, x.req, x.id, event.CommandOf(e))
	}
	return Result[T]{}, refusal
}
