package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// MaxSnapshots is how many snapshots of a [DB] are open at a time; who wants another one waits. They have connections of their own,
// so that no number of them keeps queries and projections waiting.
const MaxSnapshots = 4

// snapshotWait is how long that wait may take.
const snapshotWait = 30 * time.Second

// SnapshotConn is a connection that waits for the moment of its snapshot. It must be closed unless it has made one.
type SnapshotConn struct {
	db   *DB
	conn *sql.Conn
}

// SnapshotConn returns a connection for a snapshot whose moment must not be missed by waiting for a connection. When none is free
// within 30 s it fails with [ErrUnavailable]. Do not call it while you hold another snapshot of the same database.
func (db *DB) SnapshotConn(ctx context.Context) (*SnapshotConn, error) {
	waiting, cancel := context.WithTimeout(ctx, db.snapshotWait)
	defer cancel()
	conn, err := db.snapshots.Conn(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: no connection for a snapshot was free within %s", ErrUnavailable, db.snapshotWait)
	}
	if err != nil {
		return nil, fmt.Errorf("begin a snapshot: %w", db.explain(ctx, err))
	}
	return &SnapshotConn{db: db, conn: conn}, nil
}

// Close gives the connection back.
func (c *SnapshotConn) Close() error {
	if err := c.conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return fmt.Errorf("close a snapshot: %w", err)
	}
	return nil
}

// Snapshot is [DB.Snapshot] on this connection, which closes with the snapshot.
func (c *SnapshotConn) Snapshot(ctx context.Context, definition Definition) (*Snapshot, error) {
	whole, end := context.WithCancel(ctx) // the transaction's, which must outlast the limit for its beginning
	if c.db.timeout > 0 {
		limit := time.AfterFunc(c.db.timeout, end)
		defer limit.Stop()
	}
	s, err := c.begin(whole, definition)
	if err != nil {
		end()
		return nil, errors.Join(fmt.Errorf("snapshot of %s: %w", definition.Name, c.db.explain(ctx, err)), c.Close())
	}
	s.end = end
	return s, nil
}

func (c *SnapshotConn) begin(ctx context.Context, definition Definition) (*Snapshot, error) {
	tx, err := c.conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: c.db.engine.isolation()})
	if err != nil {
		return nil, err
	}
	if err := c.db.engine.withoutTimeouts(ctx, tx); err != nil {
		return nil, errors.Join(err, rolledBack(tx))
	}
	at, err := serving(ctx, tx, definition.Name)
	if err != nil {
		return nil, errors.Join(err, rolledBack(tx))
	}
	return &Snapshot{conn: c, tx: tx, definition: definition, generation: at.Generation, position: at.Position}, nil
}
