// Package engine describes a kind of storage, and where on it a part of a ledger is stored.
package engine

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Part is a part of a ledger that an engine can store.
type Part string

// The parts. Their names begin the names of their settings.
const (
	EventStore Part = "eventstore"
	ReadModels Part = "readmodels"
	Keys       Part = "keys"
)

// Ledger is a ledger that is only read.
type Ledger interface {
	installation.Ledger
	Close() error
}

// Engine is a kind of storage, with everything that the program does with it. A function is nil if the engine cannot do that.
type Engine struct {
	Name     string   // such as postgres
	Schemes  []string // that begin its connection strings
	Example  string   // a connection string, for messages
	Embedded bool     // stores in files, for one process at a time

	Namespace   *Namespace                 // nil: one ledger per endpoint
	Connections map[Part]ConnectionsOfPart // nil: not configurable

	OpenEvents     func(ctx context.Context, at Endpoint, dataDir string, logger *slog.Logger) (eventstore.Store, error)
	OpenReadModels func(ctx context.Context, at, replica Endpoint, dataDir string, logger *slog.Logger) (*store.DB, error)
	OpenKeys       func(ctx context.Context, at Endpoint, dataDir string, logger *slog.Logger) (*keyring.Database, error)

	// OpenLedger opens a ledger read-only while others may write to it. It creates and upgrades nothing.
	OpenLedger func(ctx context.Context, at Endpoint, dataDir string) (Ledger, error)
	// OpenTables opens the SQL tables of a part read-only. It creates and upgrades nothing. Dialect is that of the tables.
	OpenTables func(at Endpoint, dataDir string) (*sql.DB, error)
	Dialect    migrations.Dialect

	// Check examines the server of some endpoints and reports whether it answers. Setting begins the names of the checks.
	Check func(ctx context.Context, report *diagnosis.Report, setting string, endpoints ...Endpoint) bool
	// CheckReplica examines a read-only server. It is nil if the engine has no replicas.
	CheckReplica func(ctx context.Context, report *diagnosis.Report, at Endpoint)

	// BackupLedger and BackupKeys copy a part that may be in use into a new file.
	BackupLedger, BackupKeys func(ctx context.Context, at Endpoint, dataDir, file string) error

	TablesHint string                        // what to do about tables that cannot be read
	BackupHint func(namespace string) string // how to back up a namespace, of an engine without these functions
}

// Namespace is what separates several ledgers in one server.
type Namespace struct {
	Setting  string             // ends the name of the setting, such as schema
	Flag     string             // ends the name of a flag that names an endpoint
	Usage    map[Part]string    // of the setting
	About    string             // of the flag
	Default  map[Part]string    // empty: no namespace
	Check    func(string) error // whether the engine allows the name
	Describe func(string) string
	Distinct bool // the parts of a ledger must not share one
}

// ConnectionsOfPart says how many connections a part may have.
type ConnectionsOfPart struct {
	Default, Min int
	Usage        string // of the setting
}

// Can reports whether the engine can store a part.
func (e *Engine) Can(store Part) bool {
	switch store {
	case EventStore:
		return e.OpenEvents != nil
	case ReadModels:
		return e.OpenReadModels != nil
	case Keys:
		return e.OpenKeys != nil
	}
	return false
}

// DefaultNamespace is the namespace of a part when none is configured.
func (e *Engine) DefaultNamespace(part Part) string {
	if e.Namespace == nil {
		return ""
	}
	return e.Namespace.Default[part]
}

// Names lists the names of engines, for messages.
func Names(engines []*Engine) string {
	names := make([]string, len(engines))
	for i, e := range engines {
		names[i] = e.Name
	}
	return strings.Join(names, ", ")
}

// Examples lists a connection string of each engine, for messages.
func Examples(engines []*Engine) string {
	examples := make([]string, len(engines))
	for i, e := range engines {
		examples[i] = e.Example
	}
	if last := len(examples) - 1; last > 0 {
		examples = append(slices.Clone(examples[:last-1]), examples[last-1]+" or "+examples[last])
	}
	return strings.Join(examples, ", ")
}
