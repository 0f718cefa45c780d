package keyring

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/licenseledger/licenseledger/pgconnect"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

// Database is a keys database, as [OpenSQLite] or [OpenPostgres] opens it. The caller closes it.
type Database struct {
	*sql.DB
	engine engine
	log    *sqlitefile.Log // nil unless the keys are in a file
	// timeout bounds a query or transaction.
	timeout time.Duration
	version int64 // of the tables
}

// Close closes the database.
func (d *Database) Close() error { return errors.Join(d.log.Close(), d.DB.Close()) }

// bounded ends what takes longer than the database itself allows.
func (d *Database) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return pgconnect.Bounded(ctx, d.timeout, func() { pgconnect.DropIdle(d.DB) })
}

// engine is what the kinds of keys databases do differently.
type engine interface {
	// shared tells whether other processes may use the database at the same time.
	shared() bool
	// lockRing keeps everybody else from changing the ring's secrets until tx ends.
	lockRing(ctx context.Context, tx *sql.Tx) error
	// afterErasing does what can be done at once about copies of erased keys.
	afterErasing(ctx context.Context, db *sql.DB) error
}
