// Package idempotency holds the claims of idempotency keys: which request an operator used a key for.
package idempotency

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/event"
)

// KeyClaimedType is the wire name of [KeyClaimed].
const KeyClaimedType event.Type = "idempotency_key.claimed.v1"

// KeyClaimed opens the stream of an idempotency key. The command id and the request hash in its metadata are the command's.
type KeyClaimed struct {
	Command   string         `json:"command"`            // that the key was used for, such as "RenewLicense"
	Stream    string         `json:"stream,omitempty"`   // of the aggregate that the command changes; empty for a command of many parts
	Revision  event.Revision `json:"revision,omitempty"` // of the stream before the command
	ClaimedAt time.Time      `json:"claimed_at"`
}

// EventType implements [event.Payload].
func (KeyClaimed) EventType() event.Type { return KeyClaimedType }

// Events returns the events of claims.
func Events() []event.Registration { return []event.Registration{event.Of[KeyClaimed]()} }

// Claim says what a key was used for. It is for good. A nil Claim is a key that was not used.
type Claim struct {
	KeyClaimed
	stream event.StreamState
}

// claimSpace is the namespace of the ids of claims (RFC 9562, section 5.5).
var claimSpace = uuid.MustParse("6f0c1e0a-3a5f-5d0e-9d53-6d0b7d1f4c04")

// ClaimID derives the id of a claim from the id of the command, which is a keyed hash of the idempotency key.
func ClaimID(tenant, commandID string) uuid.UUID {
	return uuid.NewSHA1(claimSpace, []byte(tenant+"\x00"+commandID))
}

// errNotFound refuses a claim of another tenant, which nobody can name: the tenant is part of its id.
var errNotFound = errors.New("there is no such claim of an idempotency key")

// Aggregate defines the claim.
func Aggregate() aggregate.Definition[Claim] {
	return aggregate.Definition[Claim]{Prefix: "idempotency-key-", Fold: fold, NotFound: errNotFound}
}

// StreamState returns how far the claim was read.
func (c *Claim) StreamState() event.StreamState {
	if c == nil {
		return event.StreamState{}
	}
	return c.stream
}

// fold returns the claim after further events. The given one is left as it is.
func fold(c *Claim, events ...event.Event) (*Claim, error) {
	var next Claim
	if c != nil {
		next = *c
	}
	for _, e := range events {
		claimed, ok := e.Payload.(KeyClaimed)
		if !ok {
			return nil, fmt.Errorf("%s does not belong in the stream of an idempotency key (position %d)", e.Type, e.Position)
		}
		next = Claim{KeyClaimed: claimed, stream: next.stream.Advance(e)}
	}
	return &next, nil
}
