// Package commandapi serves the commands. A handler reads the request, executes a command of package commands, and responds with the
// changed resource as package present shows it. The interfaces, and the code that reads requests and writes responses, are generated from
// openapi.yaml.
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

// Config holds what the commands need.
type Config struct {
	Commands    *commands.Handler
	Machines    MachineIndex
	Head        func(context.Context) (event.Position, error) // the ledger's last position
	Projections Projections
	WaitTimeout time.Duration // how long to wait for the machine index to catch up
	Problems    problem.Reporter
}

// MachineIndex finds the licence of an activation or a binding. Package readmodels implements it.
type MachineIndex interface {
	LicenseOfActivation(ctx context.Context, tenant string, activation uuid.UUID) (uuid.UUID, error)
	LicenseOfBinding(ctx context.Context, tenant string, binding uuid.UUID) (uuid.UUID, error)
}

// Projections keeps the read models up to date. Package projections implements it.
type Projections interface {
	// Status returns the status of every projection.
	Status(ctx context.Context) ([]store.ProjectionStatus, error)
	// RequestRebuild starts a rebuild of a projection, here or in the process that owns it. It does not wait for the end.
	RequestRebuild(ctx context.Context, name string) error
	// Await returns when projections have reached a position of the ledger, or at once when one of them has failed before it.
	Await(ctx context.Context, projections []string, position uint64) error
}

// New returns the handlers of all commands.
func New(c Config) ServerInterface {
	return NewStrictHandler(server{c}, []StrictMiddlewareFunc{authorize})
}

type server struct{ Config }
