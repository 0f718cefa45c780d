package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/licenseledger/licenseledger/pgconnect"
)

// sessionSettings are what every connection is set to unless the connection string says otherwise. Every query is a walk along
// an index. Statistics of a young, fast-growing table must not talk the planner out of it.
var sessionSettings = pgconnect.Settings{
	"plan_cache_mode":                 "force_generic_plan",
	"enable_seqscan":                  "off",
	"enable_bitmapscan":               "off",
	"enable_hashjoin":                 "off",
	"enable_mergejoin":                "off",
	"max_parallel_workers_per_gather": "0",
	"jit":                             "off",
}

// openWriting returns a pool of one connection that is known to be durable whenever it is new.
func openWriting(ctx context.Context, config *pgxpool.Config) (*pgxpool.Pool, error) {
	config = config.Copy()
	config.MinConns, config.MaxConns = 0, 1
	config.AfterConnect = pgconnect.RequireDurable
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
