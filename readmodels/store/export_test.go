package store

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Trace makes queries use connections that are traced, and returns another one with the same settings.
func (db *DB) Trace(t *testing.T, url, schema string, tracer pgx.QueryTracer) *pgx.Conn {
	config, err := connection(url, schema, readingSession, nil)
	require.NoError(t, err)
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	config = config.Copy()
	config.Tracer = tracer
	db.read = pool(config, 2)
	return conn
}

// PostgresInterrupted tells what [DB] makes of an error of PostgreSQL.
func PostgresInterrupted(err error) bool { return (&postgresEngine{}).isRetryable(err) }

// PostgresRejects tells what [DB] makes of an error of PostgreSQL.
func PostgresRejects(err error) bool { return (&postgresEngine{}).isPermanent(err) }

// WaitForSnapshots sets how long a snapshot waits for a connection, until restore is called.
func (db *DB) WaitForSnapshots(d time.Duration) (restore func()) {
	before := db.snapshotWait
	db.snapshotWait = d
	return func() { db.snapshotWait = before }
}
