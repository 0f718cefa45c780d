// Package commandapi serves the commands: it decodes what is asked, lets package commands carry it out and describes the
// outcome. The interfaces and the plumbing are generated from openapi.yaml.
package commandapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/problem"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Config is what the commands are served with.
type Config struct {
	Commands    *commands.Handler
	Machines    MachineIndex
	Head        func(context.Context) (event.Position, error) // the ledger's last position
	Projections Projections
	WaitTimeout time.Duration // how long to wait for the machine index to catch up
	Problems    problem.Reporter
}

// MachineIndex tells which licence an activation or a binding belongs to. Package readmodels implements it.
type MachineIndex interface {
	LicenseOfActivation(ctx context.Context, tenant string, activation uuid.UUID) (uuid.UUID, error)
	LicenseOfBinding(ctx context.Context, tenant string, binding uuid.UUID) (uuid.UUID, error)
}

// Projections is what keeps the read models up to date. Package projections implements it.
type Projections interface {
	// Status returns the status of every projection.
	Status(ctx context.Context) ([]store.ProjectionStatus, error)
	// RequestRebuild starts to rebuild a projection, here or in the process that owns it, and does not wait for the end.
	RequestRebuild(ctx context.Context, name string) error
	// Await returns when projections have reached a position of the ledger, or at once when one of them has failed before it.
	Await(ctx context.Context, projections []string, position uint64) error
}

// New returns the handlers of all commands.
func New(c Config) ServerInterface {
	return NewStrictHandler(server{c}, []StrictMiddlewareFunc{authorize})
}

type server struct{ Config }
