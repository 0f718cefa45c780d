package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// DefaultPostgresSchema is the PostgreSQL schema that holds the read models unless [Schema] names another.
const DefaultPostgresSchema = "licenseledger_readmodels"

// The bounds of [MaxConnections].
const (
	DefaultConnections = 20 // when [MaxConnections] is not given
	MinConnections     = writingConnections + MaxSnapshots + statusConnections + minReadingConnections
)

const (
	// writingConnections are shared by the projections, which hold one for a transaction each.
	writingConnections = 4
	// statusConnections tell where projections stand when queries are answered by a replica.
	statusConnections = 2
	// minReadingConnections answer queries.
	minReadingConnections = 4

	// idleTime is after how long a connection that nobody needs is closed.
	idleTime = 5 * time.Minute
	// postgresPollInterval is short because the projections may well run in another process.
	postgresPollInterval = 15 * time.Millisecond
)

var (
	// everySession is what all connections are set to unless the connection string says otherwise.
	everySession = pgconnect.Settings{
		"default_transaction_isolation": "read committed",
		// Every query has its index, to be read as far as the limit. Statistics of a young, fast-growing table must not talk the
		// planner out of it.
		"enable_seqscan":                  "off",
		"enable_bitmapscan":               "off",
		"enable_hashjoin":                 "off",
		"enable_mergejoin":                "off",
		"random_page_cost":                "1.1",
		"max_parallel_workers_per_gather": "0",
		"jit":                             "off",
	}
	writingSession = everySession.With(pgconnect.Settings{
		// Rows are found by their keys, many times over.
		"plan_cache_mode": "force_generic_plan",
	})
	readingSession = everySession.With(pgconnect.Settings{
		"default_transaction_read_only": "on",
		// Which index serves best depends on what is asked for.
		"plan_cache_mode": "force_custom_plan",
	})
	snapshotSession = readingSession.With(pgconnect.Settings{
		"idle_in_transaction_session_timeout": "0", // a snapshot is held for as long as its content is read
	})
)

type postgresOptions struct {
	schema      string
	replica     string
	connections int
}

// PostgresOption changes a default of [OpenPostgres].
type PostgresOption func(*postgresOptions)

// Schema sets the PostgreSQL schema that holds the read models; licenseledger_readmodels by default.
func Schema(name string) PostgresOption { return func(o *postgresOptions) { o.schema = name } }

// Replica sets the connection string of a server that follows the primary and answers queries. It must name one server: what
// it has replayed is remembered. By default the primary answers.
func Replica(url string) PostgresOption { return func(o *postgresOptions) { o.replica = url } }

// MaxConnections sets how many connections are opened at most, those to the replica included;
// [DefaultConnections] by default, at least [MinConnections].
func MaxConnections(n int) PostgresOption { return func(o *postgresOptions) { o.connections = n } }

// OpenPostgres opens the read models in the database that url names, making or upgrading their schema as needed. Any number of
// processes may share them; each projection has one owner at a time.
//
// url is a connection string as libpq and pgx understand it. Settings in it, such as statement_timeout, take precedence over
// those of the program; the size of the pools is [MaxConnections] alone. When the server restarts or a connection breaks, what is
// under way fails, queries excepted, which are repeated; the next calls use new connections.
func OpenPostgres(ctx context.Context, url string, options ...PostgresOption) (*DB, error) {
	o := postgresOptions{schema: DefaultPostgresSchema, connections: DefaultConnections}
	for _, set := range options {
		set(&o)
	}
	db, err := openPostgres(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("open the read models in PostgreSQL: %w", err)
	}
	return db, nil
}

func openPostgres(ctx context.Context, url string, o postgresOptions) (*DB, error) {
	if o.connections < MinConnections {
		return nil, fmt.Errorf("%d connections are too few, at least %d are needed", o.connections, MinConnections)
	}
	writing, err := connection(url, o.schema, writingSession, pgconn.ValidateConnectTargetSessionAttrsPrimary)
	if err != nil {
		return nil, err
	}
	reading, err := connection(url, o.schema, readingSession, pgconn.ValidateConnectTargetSessionAttrsPrimary)
	if err != nil {
		return nil, err
	}
	snapshot, err := connection(url, o.schema, snapshotSession, pgconn.ValidateConnectTargetSessionAttrsPrimary)
	if err != nil {
		return nil, err
	}
	following := reading
	if o.replica != "" {
		if following, err = connection(o.replica, o.schema, readingSession, nil); err != nil {
			return nil, fmt.Errorf("the replica: %w", err)
		}
	}
	if err := pgconnect.Migrate(ctx, writing, o.schema, migrations.Readmodels); err != nil {
		return nil, err
	}
	p := pools{write: pool(writing, writingConnections), snapshots: pool(snapshot, MaxSnapshots)}
	if rest := o.connections - writingConnections - MaxSnapshots; o.replica == "" {
		p.read = pool(reading, rest)
		p.primary = p.read
	} else {
		p.primary, p.read = pool(reading, statusConnections), pool(following, rest-statusConnections)
	}
	db := newDB(p, &postgresEngine{write: p.write}, postgresPollInterval)
	db.timeout = pgconnect.Timeout(writing)
	return db, nil
}

// connection reads a connection string; validate, unless the string has a wish of its own, refuses servers of the wrong kind.
func connection(url, schema string, settings pgconnect.Settings, validate pgconn.ValidateConnectFunc) (*pgx.ConnConfig, error) {
	config, err := pgconnect.Parse(url, schema, settings, validate)
	if err != nil {
		return nil, err
	}
	return config.ConnConfig, nil
}

func pool(config *pgx.ConnConfig, connections int) *sql.DB {
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	return db
}
