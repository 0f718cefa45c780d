package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
)

// Declaration is what everybody may know of a command.
type Declaration struct {
	Name        string // such as "SuspendLicense". It is part of stored request hashes and must not change
	Permission  access.Permission
	Aggregate   aggregate.Prefix // the kind of aggregate that the command changes
	Idempotency Idempotency
	// AtPresent has the command decided and recorded at the present by the clock, even if the ledger's last event was recorded later.
	AtPresent bool
}

// Idempotency says how a repeated command is kept from having its effect twice.
type Idempotency int

// The ways to make a command idempotent.
const (
	// ByKey recognises a command by its idempotency key: the aggregate remembers the key and a hash of the command. An operator's key is
	// claimed before the command, so that it serves for no other.
	ByKey Idempotency = iota + 1
	// ByID is ByKey for a command whose aggregate's id derives from the key: its own stream is the claim.
	ByID
	// ByNature needs no memory, because a repeated command has the same effect as one. An idempotency key is ignored.
	ByNature
	// ByPart leaves it to the commands that the command consists of, see [Request.Part].
	ByPart
)

// Command carries out a command with content of type C and answers with an R. It is safe for concurrent use.
type Command[C, R any] func(ctx context.Context, req Request, c C) (R, error)

// Request is what every command carries beside its own content.
type Request struct {
	IdempotencyKey string           // from the client; empty when it sent none
	IfMatch        []event.Revision // the revisions that the client expects; nil: any, empty: none
	Correlation    string           // the id of the request, for following it through logs and ledger
	commandID      string           // keyed hash of the IdempotencyKey; empty without one
	hash           string           // keyed hash of the command; empty without an IdempotencyKey
	claim          *keyClaim        // of the IdempotencyKey; nil: none is needed
	opens          bool             // the command opens the stream that is its claim, see [ByID]
	atPresent      bool             // see [Declaration.AtPresent]
}

// Outcome is what every command answers beside its own content.
type Outcome struct {
	Position event.Position // a read model at this position or later shows the effect
	Revision event.Revision // of the aggregate
	Replayed bool           // the command was carried out before; this is the answer it had then
}

// The refusals that do not come from one aggregate's rules.
var (
	ErrIdempotencyKeyReused = domainerr.New("IDEMPOTENCY_KEY_REUSED", "this idempotency key was used for another request",
		"send a new key with every new request, and the same one only to repeat a request unchanged")
	ErrPreconditionFailed = domainerr.New("PRECONDITION_FAILED", "the resource has changed since you read it",
		"read it again, and repeat the request if it still applies")
	ErrContended = domainerr.New("BUSY", "too many requests change the same resource at once",
		"repeat the request after a moment, with the same idempotency key")
)

// Declare returns a command that anybody may call: whoever calls it goes through the declared permission and idempotency to handle.
func Declare[C, R any](r *Runtime, d Declaration, handle func(context.Context, Request, C) (R, error)) Command[C, R] {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.declared = append(r.declared, d)
	return func(ctx context.Context, req Request, c C) (answer R, err error) {
		begun := time.Now()
		defer func() { r.observe(ctx, d, err, time.Since(begun)) }()
		principal, err := access.Require(ctx, d.Permission)
		if err != nil {
			return answer, err
		}
		if req, err = r.identify(d, principal, req, c); err != nil {
			return answer, err
		}
		return handle(ctx, req, c)
	}
}

// Declared lists the commands that were declared. It fails when a declaration lacks something or a name is taken twice.
func (r *Runtime) Declared() ([]Declaration, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := map[string]bool{}
	var faults []error
	for _, d := range r.declared {
		if d.Name == "" || d.Permission == "" || d.Aggregate == "" || d.Idempotency == 0 {
			faults = append(faults, fmt.Errorf("the declaration of command %q is incomplete: %+v", d.Name, d))
		}
		if names[d.Name] {
			faults = append(faults, fmt.Errorf("two commands are declared as %q", d.Name))
		}
		names[d.Name] = true
	}
	return slices.Clone(r.declared), errors.Join(faults...)
}

// identify completes a request by what its command declares. The hashes are keyed: they tell nothing about the command and its idempotency
// key to those without the key of the hashes. Machines and operators never meet in a key: a customer's must not take the place of an
// operator's.
func (r *Runtime) identify(d Declaration, principal access.Principal, req Request, command any) (Request, error) {
	req = Request{
		IdempotencyKey: req.IdempotencyKey, IfMatch: req.IfMatch, Correlation: req.Correlation, claim: req.claim,
		atPresent: d.AtPresent,
	}
	if d.Idempotency == ByNature {
		req.IdempotencyKey = ""
	}
	if req.IdempotencyKey == "" {
		return req, nil
	}
	content, err := json.Marshal(command)
	if err != nil {
		return Request{}, fmt.Errorf("hash the request: %w", err)
	}
	kind, byMachine := "operator", principal.Role == access.Machine
	if byMachine {
		kind = "machine"
	}
	req.commandID = r.hashRequest(fmt.Appendf(nil, "idempotency key\x00%s\x00%s", kind, req.IdempotencyKey))
	// What precedes the name is how hashes were made when all commands were in one package.
	req.hash = r.hashRequest(fmt.Appendf(nil, "commands.%s\x00%s", d.Name, content))
	req.opens = d.Idempotency == ByID
	if req.claim == nil && !req.opens && !byMachine {
		id := idempotency.ClaimID(principal.Tenant, req.commandID)
		req.claim = &keyClaim{id: id, command: d.Name, commandID: req.commandID, hash: req.hash}
	}
	return req, nil
}
