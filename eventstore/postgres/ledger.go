package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/licenseledger/licenseledger/eventstore"
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
	reader *reader
	pool   *pgxpool.Pool
	close  func() // runs once
	epochs bool   // the tables know them
}

// OpenLedger opens the ledger in the database that url names to be read only; of the options only [Schema] matters. Tables
// that are yet to be upgraded are read as they are. It fails with the errors of [migrations.RequireReadable].
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
	version, err := tablesVersion(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	pool, err := openReading(ctx, config, ledgerConnections)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	r := &reader{pool: pool, life: life, timeout: pgconnect.Timeout(config.ConnConfig), silent: pool.Reset}
	return &Ledger{
		Reader: paging.NewReader(r, life.Done()),
		reader: r,
		pool:   pool,
		epochs: version >= epochsVersion,
		close: sync.OnceFunc(func() {
			end()
			pool.Close()
		}),
	}, nil
}

// epochsVersion is the version of the tables that brought epochs. The tables of events are the same since version 1.
const epochsVersion = 2

func tablesVersion(ctx context.Context, config *pgx.ConnConfig) (int64, error) {
	db := stdlib.OpenDB(*config)
	version, err := migrations.RequireReadable(ctx, db, migrations.PostgreSQL, migrations.Ledger)
	return version, errors.Join(err, db.Close())
}

// Epochs returns the ledger's epochs, oldest first; none for tables of a version that knew none.
func (l *Ledger) Epochs(ctx context.Context) ([]eventstore.Epoch, error) {
	if !l.epochs {
		return nil, l.Usable(ctx)
	}
	return l.reader.epochs(ctx)
}

// Close frees what the ledger holds. It may be called again.
func (l *Ledger) Close() error {
	l.close()
	return nil
}
