package store

import (
	"context"
	"database/sql"
)

// engine is what differs from one kind of database to the other.
type engine interface {
	// name is that of the file with the table templates, without ".sql".
	name() string
	// isolation is the one under which a transaction sees one moment, however long it takes.
	isolation() sql.IsolationLevel
	// withoutTimeouts lifts the limits of time from a transaction that may take long.
	withoutTimeouts(ctx context.Context, tx *sql.Tx) error
	// lock makes all others who would acquire or switch a projection wait until the transaction ends.
	lock(ctx context.Context, tx *sql.Tx, projection string) error
	// prepare returns what writes the changes in a transaction that begins afterwards.
	prepare(ctx context.Context, changes *Changes) (write func(ctx context.Context, tx *sql.Tx) error, err error)
	// lookup reads one value of one row of a generation's tables.
	lookup(ctx context.Context, of generationOf, query, key string, value *any) error
	// evict lets go of what is kept for a generation whose tables go.
	evict(of generationOf) error
	// isPermanent tells errors that blame the statement from those that blame the circumstances.
	isPermanent(err error) bool
	// isRetryable tells errors after which the same may succeed at once, such as that of a connection that had broken before.
	isRetryable(err error) bool
	// unavailable tells errors of circumstances that may pass, sooner or later.
	unavailable(err error) bool
	close() error
}

type generationOf struct {
	name       string
	generation int64
}
