// Package commands puts together the commands of the ledger. Package runtime carries them out; there is one package for each area, with
// one file for each command.
//
// Every command runs on behalf of the principal in its context. A refusal is an error of the domain and changes nothing.
package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	domaincatalog "github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/keyring"
)

// Config is what the commands work with.
type Config struct {
	Store   eventstore.Store
	Events  *event.Registry
	Keyring *keyring.Keyring
	Now     func() time.Time // a trusted clock: expiries follow it
	// time-ordered (UUIDv7), so that events of one time are neighbours in an index
	NewID  func() uuid.UUID
	Issuer string // the "iss" of certificates
	// how many folded licences to keep in memory
	CachedLicenses int
	// other instances append to the same ledger: [runtime.Runtime.RunReadIndex] must run
	Shared  bool
	Cache   Cache                                                                           // shared with other instances; nil: none
	Observe func(ctx context.Context, d runtime.Declaration, err error, took time.Duration) // after every command; nil: nobody looks
}

// Cache is what instances share beside the ledger to save time. All of its methods are safe for concurrent use, and none fails.
type Cache interface {
	runtime.Announcer
	runtime.Snapshots[license.Stream]
}

// Handler has all commands. It is safe for concurrent use.
type Handler struct {
	*runtime.Runtime
	Catalog    *catalog.Commands
	Licensing  *licensing.Commands
	Activation *activation.Commands
}

// cachedCatalogStreams is how many products, and how many plans, are kept in memory.
const cachedCatalogStreams = 4_096

// New declares all commands. ctx bounds the reading of the ledger's last event.
func New(ctx context.Context, c Config) (*Handler, error) {
	shared := runtime.Config{
		Store: c.Store, Events: c.Events, Now: c.Now, NewID: c.NewID, HashRequest: c.Keyring.HashRequest, Shared: c.Shared, Observe: c.Observe,
	}
	if c.Cache != nil {
		shared.Announcer = c.Cache
	}
	r, err := runtime.New(ctx, shared)
	if err != nil {
		return nil, err
	}
	products, err := runtime.NewRepository(r, domaincatalog.ProductAggregate(), cachedCatalogStreams)
	if err != nil {
		return nil, err
	}
	plans, err := runtime.NewRepository(r, domaincatalog.PlanAggregate(), cachedCatalogStreams)
	if err != nil {
		return nil, err
	}
	licenses, err := runtime.NewRepository(r, license.Aggregate(), c.CachedLicenses)
	if err != nil {
		return nil, err
	}
	if c.Cache != nil {
		licenses.UseSnapshots(c.Cache)
	}
	h := &Handler{
		Runtime:   r,
		Catalog:   catalog.New(products, plans, c.Keyring),
		Licensing: licensing.New(licensing.Repositories{Products: products, Plans: plans, Licenses: licenses}, c.Keyring),
	}
	if h.Activation, err = activation.New(licenses, products, c.Keyring, c.Issuer); err != nil {
		return nil, err
	}
	_, err = r.Declared()
	return h, err
}
