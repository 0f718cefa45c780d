package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// DefaultPostgresSchema is the PostgreSQL schema that holds the keys unless [Schema] names another.
const DefaultPostgresSchema = "licenseledger_keys"

// The bounds of [MaxConnections].
const (
	DefaultPostgresConnections = 4 // when the option is not given
	MinPostgresConnections     = 2 // one that writes while the other reads
)

// postgresSettings are what every connection is set to unless the connection string says otherwise. Every query finds single rows
// by their keys, and two processes that make the same subject must see each other's.
var postgresSettings = pgconnect.Settings{
	"plan_cache_mode":               "force_generic_plan",
	"default_transaction_isolation": "read committed",
}

type postgresOptions struct {
	schema      string
	connections int
}

// PostgresOption changes a default of [OpenPostgres].
type PostgresOption func(*postgresOptions)

// Schema sets the PostgreSQL schema that holds the keys; licenseledger_keys by default.
func Schema(name string) PostgresOption { return func(o *postgresOptions) { o.schema = name } }

// MaxConnections sets how many connections a process has to the keys at most. [DefaultPostgresConnections] by default, at least
// [MinPostgresConnections].
func MaxConnections(n int) PostgresOption { return func(o *postgresOptions) { o.connections = n } }

// OpenPostgres opens the keys in the database that url names, making or upgrading their schema as needed. Any number of processes
// may share them. It fails when the database does not keep what it acknowledges (fsync, synchronous_commit), is a standby, or is
// not in UTF-8. url is a connection string as libpq and pgx understand it; no error repeats it.
func OpenPostgres(ctx context.Context, url string, opts ...PostgresOption) (*Database, error) {
	o := postgresOptions{schema: DefaultPostgresSchema, connections: DefaultPostgresConnections}
	for _, set := range opts {
		set(&o)
	}
	db, timeout, err := openPostgres(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("open the keys in PostgreSQL: %w", err)
	}
	return &Database{DB: db, engine: postgresEngine{}, timeout: timeout, version: witnessVersion}, nil
}

func openPostgres(ctx context.Context, url string, o postgresOptions) (_ *sql.DB, timeout time.Duration, err error) {
	if o.connections < MinPostgresConnections {
		return nil, 0, fmt.Errorf("%d connections are too few, at least %d are needed", o.connections, MinPostgresConnections)
	}
	config, err := pgconnect.Parse(url, o.schema, postgresSettings, pgconnect.Writable)
	if err != nil {
		return nil, 0, err
	}
	db := stdlib.OpenDB(*config.ConnConfig, stdlib.OptionAfterConnect(pgconnect.RequireDurable))
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db.SetMaxOpenConns(o.connections)
	db.SetMaxIdleConns(o.connections)
	if err := db.PingContext(ctx); err != nil {
		return nil, 0, err
	}
	return db, pgconnect.Timeout(config.ConnConfig), pgconnect.Migrate(ctx, config.ConnConfig, o.schema, migrations.Keys)
}

type postgresEngine struct{}

func (postgresEngine) shared() bool { return true }

func (postgresEngine) lockRing(ctx context.Context, tx *sql.Tx) error {
	// It excludes itself, and nobody who only reads.
	if _, err := tx.ExecContext(ctx, `LOCK TABLE ring IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return unavailable("lock the ring", err)
	}
	return nil
}

// afterErasing leaves the row's old version to autovacuum, which the table's settings call after every erasure: neither VACUUM
// nor anything else that a client can ask for overwrites the bytes in the table's file and in the write-ahead log.
func (postgresEngine) afterErasing(context.Context, *sql.DB) error { return nil }
