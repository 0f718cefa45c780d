// Package commands carries out what clients and admins ask for, one file per command: load the aggregate, let it decide,
// append what it decided, and try again when somebody else was faster.
//
// Every command runs on behalf of the principal in its context. A refusal is an error of the domain and changes nothing.
package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
)

// Config is what a [Handler] works with.
type Config struct {
	Store          eventstore.Store
	Events         *event.Registry
	Keyring        *keyring.Keyring
	Now            func() time.Time
	NewID          func() uuid.UUID // time-ordered (UUIDv7), so that events of a time stand together
	Issuer         string           // the "iss" of certificates
	CachedLicenses int              // how many folded licences to keep in memory
	Shared         bool             // other instances append to the same ledger: [Handler.Follow] must run
	Cache          Cache            // shared with other instances; nil: none
}

// Handler carries out commands. It is safe for concurrent use.
type Handler struct {
	ledger       *ledger
	keyring      *keyring.Keyring
	now          func() time.Time
	newID        func() uuid.UUID
	issuer       string
	products     *repository[catalog.Product]
	plans        *repository[catalog.Plan]
	licenses     *repository[license.Stream]
	certificates *otter.Cache[uuid.UUID, string] // by the event that determines the certificate
}

const (
	cachedCatalogStreams = 4_096
	cachedCertificates   = 32_768
)

// New returns a handler. ctx bounds a look at the ledger, if it is shared.
func New(ctx context.Context, c Config) (*Handler, error) {
	h := &Handler{ledger: newLedger(c), keyring: c.Keyring, now: c.Now, newID: c.NewID, issuer: c.Issuer}
	var err error
	if h.products, err = newRepository(h.ledger, catalog.ProductAggregate(), cachedCatalogStreams); err != nil {
		return nil, err
	}
	if h.plans, err = newRepository(h.ledger, catalog.PlanAggregate(), cachedCatalogStreams); err != nil {
		return nil, err
	}
	if h.licenses, err = newRepository(h.ledger, license.Aggregate(), c.CachedLicenses); err != nil {
		return nil, err
	}
	var announced <-chan struct{}
	if c.Cache != nil {
		h.licenses.snapshots, h.ledger.announce, announced = c.Cache, c.Cache.Announce, c.Cache.Announced()
	}
	if h.certificates, err = otter.New(&otter.Options[uuid.UUID, string]{MaximumSize: cachedCertificates}); err != nil {
		return nil, err
	}
	if c.Shared {
		err = h.ledger.startFollower(ctx, announced)
	}
	return h, err
}

// Follow keeps the handler close behind a shared ledger until ctx ends. Answers do not depend on it, only how long they take.
func (h *Handler) Follow(ctx context.Context, logger *slog.Logger) {
	if h.ledger.follower != nil {
		h.ledger.follower.run(ctx, logger)
	}
}

// Request is what every command carries beside its own content.
type Request struct {
	IdempotencyKey string          // from the client; empty when it sent none
	IfMatch        *event.Revision // the revision the client has seen; nil when it does not care
	Correlation    string          // the id of the request, for following it through logs and ledger
	hash           string          // keyed hash of the command; empty without an IdempotencyKey
}

// Outcome is what every command answers beside its own content.
type Outcome struct {
	Position event.Position // up to which a read model must be to show the effect
	Revision event.Revision // of the aggregate
	Replayed bool           // the command was carried out before; this is the answer it had then
}

// identified returns the request with the hash by which a repetition of the same command is told from another one.
// The hash is keyed: it tells nothing about the command to those without the key.
func (h *Handler) identified(r Request, command any) (Request, error) {
	if r.IdempotencyKey == "" {
		return r, nil
	}
	text, err := json.Marshal(command)
	if err != nil {
		return Request{}, fmt.Errorf("hash the request: %w", err)
	}
	r.hash = h.keyring.HashRequest(fmt.Appendf(nil, "%T\x00%s", command, text))
	return r, nil
}
