package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/licenseledger/licenseledger/migrations/pgschema"
)

// operationTimeout is when the program gives up on a batch or a page that neither succeeds nor fails: the server, which
// gives up earlier, cannot be heard anymore.
const operationTimeout = 40 * time.Second

// sessionSettings are what every connection is set to unless the connection string says otherwise.
var sessionSettings = pgschema.Settings{
	"application_name":  "licenseledger",
	"lock_timeout":      "10s",
	"statement_timeout": "30s",
	// An instance that is paused or cut off in the middle of a batch must not hold the ledger's lock for long.
	"idle_in_transaction_session_timeout": "5s",
	// Every query is a walk along an index. Statistics of a young, fast-growing table must not talk the planner out of it.
	"plan_cache_mode":                 "force_generic_plan",
	"enable_seqscan":                  "off",
	"enable_bitmapscan":               "off",
	"enable_hashjoin":                 "off",
	"enable_mergejoin":                "off",
	"max_parallel_workers_per_gather": "0",
	"jit":                             "off",
}

// parse reads a connection string.
func parse(url string, o options) (*pgxpool.Config, error) {
	config, err := pgschema.Parse(url, o.schema, sessionSettings)
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ValidateConnect == nil {
		// After a failover the old address may lead to a server that follows.
		config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	return config, nil
}

// openWriting returns a pool of one connection that is known to be durable whenever it is new.
func openWriting(ctx context.Context, config *pgxpool.Config) (*pgxpool.Pool, error) {
	config = config.Copy()
	config.MinConns, config.MaxConns = 0, 1
	config.AfterConnect = requireDurable
	return openPool(ctx, config)
}

func openReading(ctx context.Context, config *pgxpool.Config, connections int) (*pgxpool.Pool, error) {
	config = config.Copy()
	config.MinConns, config.MaxConns = 0, int32(connections)
	return openPool(ctx, config)
}

func openPool(ctx context.Context, config *pgxpool.Config) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// requireDurable refuses a connection whose commits could be acknowledged and then lost, and pins the setting it found, so that
// a later change of the server's configuration does not reach this connection.
func requireDurable(ctx context.Context, conn *pgx.Conn) error {
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
		return fmt.Errorf("fsync is %s on this server: appends would not survive a crash; set fsync = on in postgresql.conf", fsync)
	case synchronousCommit == "off":
		return errors.New("synchronous_commit is off for this connection: acknowledged appends could be lost in a crash; " +
			"set synchronous_commit = on for this server, database, role or connection string")
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s: create one with ENCODING 'UTF8'", encoding)
	}
	return nil
}
