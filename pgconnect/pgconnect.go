// Package pgconnect connects to PostgreSQL in the way that every database of the program does: to the primary, in a schema of its
// own, with bounded waits, and without ever repeating a connection string, which may hold a password.
package pgconnect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/migrations"
)

// connectTimeout bounds one attempt to connect.
const connectTimeout = 5 * time.Second

// defaultStatementTimeout bounds what one statement may take.
const defaultStatementTimeout = 30 * time.Second

// ErrConnectionString says that a connection string cannot be used. It stands for the driver's own errors, which quote the string
// and do not always recognize a password.
var ErrConnectionString = errors.New("the connection string is not understood (postgres://USER:PASSWORD@HOST:PORT/DATABASE, " +
	"with special characters percent-encoded, or host=HOST user=USER …)")

// Settings are what sessions are set to, by the names PostgreSQL has for its parameters.
type Settings map[string]string

// With returns the settings with others added or replaced.
func (s Settings) With(others Settings) Settings {
	all := maps.Clone(s)
	maps.Copy(all, others)
	return all
}

// Writable accepts servers that can be written to only: after a failover the old address may lead to one that follows.
func Writable(ctx context.Context, conn *pgconn.PgConn) error {
	return pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, conn)
}

// Parse reads a connection string as libpq and pgx understand it, for connections that find their tables in schema alone.
// What the string does not set is set to settings, and then to the defaults of the program; servers are judged by validate (nil: all
// will do). It fails with [ErrConnectionString].
func Parse(url, schema string, settings Settings, validate pgconn.ValidateConnectFunc) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, ErrConnectionString
	}
	params := config.ConnConfig.RuntimeParams
	for _, defaults := range []Settings{settings, {
		"application_name":  "licenseledger",
		"lock_timeout":      "10s",
		"statement_timeout": defaultStatementTimeout.String(),
		// An instance that is paused or cut off in the middle of a transaction must not hold its locks for long.
		"idle_in_transaction_session_timeout": "5s",
	}} {
		for name, value := range defaults {
			if _, given := params[name]; !given {
				params[name] = value
			}
		}
	}
	params["client_encoding"] = "UTF8"
	params["search_path"] = pgx.Identifier{schema}.Sanitize()
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = validate
	}
	return config, nil
}

// Timeout is when the program gives up on what neither succeeds nor fails, for connections that Parse has set up: the server, which
// gives up after its statement_timeout, cannot be heard any more.
func Timeout(config *pgx.ConnConfig) time.Duration {
	limit := statementTimeout(config.RuntimeParams["statement_timeout"])
	return limit + limit/3
}

// Bounded returns a context that ends after timeout. If the timeout ends it, and not ctx itself, silent is called: when the server does not
// answer on one connection, the idle connections to it are broken too.
func Bounded(ctx context.Context, timeout time.Duration, silent func()) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	return limited, func() {
		if limited.Err() != nil && ctx.Err() == nil {
			silent()
		}
		cancel()
	}
}

// DropIdle closes the connections of a pool that nobody uses. It does not wait for that, which may take seconds each.
func DropIdle(pool *sql.DB) {
	connections := pool.Stats().MaxOpenConnections
	go func() {
		pool.SetMaxIdleConns(-1)
		pool.SetMaxIdleConns(connections)
	}()
}

// statementTimeout reads the setting as PostgreSQL does: milliseconds unless there is a unit. What it cannot read, or is no limit,
// counts as the default.
func statementTimeout(setting string) time.Duration {
	if millis, err := strconv.ParseUint(setting, 10, 31); err == nil {
		setting = strconv.FormatUint(millis, 10) + "ms"
	}
	limit, err := time.ParseDuration(strings.Replace(setting, "min", "m", 1))
	if err != nil || limit <= 0 {
		return defaultStatementTimeout
	}
	return limit
}

// Migrate makes or upgrades the tables in a PostgreSQL schema, with two connections of its own that may wait.
func Migrate(ctx context.Context, config *pgx.ConnConfig, name string, schema migrations.Schema) error {
	bounded := config.Copy()
	bounded.RuntimeParams["lock_timeout"], bounded.RuntimeParams["statement_timeout"] = "0", "0"
	db := stdlib.OpenDB(*bounded)
	return errors.Join(migrations.UpPostgreSQL(ctx, db, name, schema), db.Close())
}

// RequireDurable refuses a connection whose commits could be acknowledged and then lost, and pins the setting it found, so that
// a later change of the server's configuration does not reach this connection.
func RequireDurable(ctx context.Context, conn *pgx.Conn) error {
	var fsync, synchronousCommit, encoding string
	if err := conn.QueryRow(ctx, `
		SELECT current_setting('fsync'),
		       set_config('synchronous_commit', current_setting('synchronous_commit'), false),
		       current_setting('server_encoding')`,
	).Scan(&fsync, &synchronousCommit, &encoding); err != nil {
		return fmt.Errorf("read the durability settings: %w", err)
	}
	switch {
	case fsync != "on":
		return fmt.Errorf("fsync is %s on this server: commits would not survive a crash; set fsync = on in postgresql.conf", fsync)
	case synchronousCommit == "off":
		return errors.New("synchronous_commit is off for this connection: acknowledged commits could be lost in a crash; " +
			"set synchronous_commit = on for this server, database, role or connection string")
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s: create one with ENCODING 'UTF8'", encoding)
	}
	return nil
}
