// Package store keeps read models in a database: tables of rows derived from the ledger, which can be replaced while they are
// read, and the positions in the ledger up to which they are complete. What the rows mean, each read model's package knows.
//
// Rows are written by projections only, through [DB.Apply]: the rows of a batch of events and the checkpoint that says so
// are one transaction. Each projection owns its tables. The tables carry a generation in their names, so that new ones can
// be built beside those that serve; queries read views, and switching generations exchanges the views.
//
// The database is a SQLite file of this process, or a PostgreSQL schema that several processes share, with the same content.
// Times are UTC with whole microseconds.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/licenseledger/licenseledger/pgconnect"
)

var (
	// ErrNotFound says that the tenant has no such row, or that its projection is not there yet.
	ErrNotFound = errors.New("not found")
	// ErrBadCursor refuses a cursor that was not handed out for this list and order.
	ErrBadCursor = errors.New("the cursor is not one of this list")
	// ErrOtherEpoch refuses a cursor that was handed out in another epoch of the ledger: what it points at may be something else now.
	ErrOtherEpoch = errors.New("the cursor is of another epoch of the ledger")
	// ErrInvalidQuery refuses a limit, order or filter value that is not one of those documented.
	// The error is an [InvalidQueryError].
	ErrInvalidQuery = errors.New("invalid query")
	// ErrUnavailable says that the database cannot be reached, or cannot do what is asked, right now: the same may succeed later.
	ErrUnavailable = errors.New("the read models are unavailable")
)

// InvalidQueryError names the parameter that is not as documented, and its rule. It is an [ErrInvalidQuery].
type InvalidQueryError struct{ Parameter, Rule string }

// Error names the parameter and the rule.
func (e *InvalidQueryError) Error() string {
	return ErrInvalidQuery.Error() + ": " + e.Parameter + " " + e.Rule
}

// Is reports whether target is [ErrInvalidQuery].
func (*InvalidQueryError) Is(target error) bool { return target == ErrInvalidQuery }

// DB is a database of read models. All methods are safe for concurrent use.
type DB struct {
	pools
	replicaMayLag bool // read may lag behind write
	engine        engine
	// timeout bounds a transaction or query; 0: it has no bound.
	timeout time.Duration

	origin       atomic.Pointer[Origin]
	progress     progress
	snapshotWait time.Duration // how long a snapshot waits for a connection
	polling      chan struct{} // holds a token while one of those who wait reads the positions
	polled       time.Time     // when they were read last; guarded by polling
	places       []place       // what was read then; guarded by polling
	pollInterval time.Duration
	closing      sync.Once
}

// pools are the connections of a database. Who holds a connection never waits for another one, of the same pool or of any other:
// so none of them can be exhausted for longer than its slowest statement.
type pools struct {
	write     *sql.DB // one connection on engines with a single writer
	read      *sql.DB // answers queries; cannot write
	primary   *sql.DB // read, or where that may lag behind write, one that does not; cannot write
	snapshots *sql.DB // held for as long as a snapshot is open; never lags behind write and cannot write
}

func (p pools) all() []*sql.DB { return []*sql.DB{p.write, p.read, p.primary, p.snapshots} }

func newDB(pools pools, engine engine, pollInterval time.Duration) *DB {
	return &DB{pools: pools, replicaMayLag: pools.read != pools.primary, engine: engine,
		snapshotWait: snapshotWait, polling: make(chan struct{}, 1), pollInterval: pollInterval}
}

// bounded ends what takes longer than the database itself allows.
func (db *DB) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if db.timeout == 0 {
		return ctx, func() {}
	}
	return pgconnect.Bounded(ctx, db.timeout, func() {
		for _, pool := range db.all() {
			pgconnect.DropIdle(pool)
		}
	})
}

// Close waits for running statements and closes the database.
func (db *DB) Close() error {
	var err error
	db.closing.Do(func() {
		err = errors.Join(db.engine.close(), db.snapshots.Close(), db.read.Close(), db.primary.Close(), db.write.Close())
	})
	return err
}

// Ping reports whether the database can be read.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.read.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the read models: %w", db.explain(ctx, err))
	}
	return nil
}
