package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/eventstore/paging"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// ledgerConnections is how many connections a [Ledger] opens at most.
const ledgerConnections = 2

// Ledger reads a ledger in a PostgreSQL schema and cannot change it. Instances of the program may be writing to it, and the server
// may be a standby.
type Ledger struct {
	*paging.Reader
	pool  *pgxpool.Pool
	close func() // runs once
}

// OpenLedger opens the ledger in the database that url names to be read only; of the options only [Schema] matters. It fails with the
// errors of [migrations.RequireCurrent] when the tables are not those that this program reads.
func OpenLedger(ctx context.Context, url string, opts ...Option) (*Ledger, error) {
	o := options{schema: DefaultSchema}
	for _, set := range opts {
		set(&o)
	}
	l, err := openLedger(ctx, url, o.schema)
	if err != nil {
		return nil, fmt.Errorf("open the ledger in PostgreSQL to read it: %w", err)
	}
	return l, nil
}

func openLedger(ctx context.Context, url, schema string) (*Ledger, error) {
	config, err := pgconnect.Parse(url, schema, sessionSettings, nil)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	if err := requireCurrent(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := openReading(ctx, config, ledgerConnections)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	return &Ledger{
		Reader: paging.NewReader(&reader{pool: pool, life: life, patience: pgconnect.Patience(config.ConnConfig)}, life.Done()),
		pool:   pool,
		close: sync.OnceFunc(func() {
			end()
			pool.Close()
		}),
	}, nil
}

func requireCurrent(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	return errors.Join(migrations.RequireCurrent(ctx, db, migrations.PostgreSQL, migrations.Ledger), db.Close())
}

// Close frees what the ledger holds. It may be called again.
func (l *Ledger) Close() error {
	l.close()
	return nil
}
