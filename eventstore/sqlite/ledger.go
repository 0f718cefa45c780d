package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/paging"
	"github.com/licenseledger/licenseledger/migrations"
)

// Ledger reads a ledger in a SQLite file and cannot change it. Another process may be writing to it.
type Ledger struct {
	*paging.Reader
	db     *sql.DB
	epochs bool // the tables know them
	closed chan struct{}
	close  func() error // runs once
}

// OpenLedger opens the ledger in the file at path to be read only. Tables that are yet to be upgraded are
// read as they are. It fails when there is none, and with the errors of [migrations.RequireReadable].
func OpenLedger(ctx context.Context, path string) (*Ledger, error) {
	l, err := openLedger(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the ledger %s to read it: %w", path, err)
	}
	return l, nil
}

func openLedger(ctx context.Context, path string) (_ *Ledger, err error) {
	db, err := openExisting(path, "query_only(1)")
	if err != nil {
		return nil, err
	}
	defer closeOnError(&err, db)
	version, err := migrations.RequireReadable(ctx, db, migrations.SQLite, migrations.Ledger)
	if err != nil {
		return nil, err
	}
	r, err := newReader(ctx, db)
	if err != nil {
		return nil, err
	}
	l := &Ledger{db: db, epochs: version >= epochsVersion, closed: make(chan struct{})}
	l.Reader = paging.NewReader(r, l.closed)
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return l.db.Close()
	})
	return l, nil
}

// epochsVersion is the version of the tables that brought epochs. The tables of events are the same since version 1.
const epochsVersion = 2

// Epochs returns the ledger's epochs, oldest first; none for tables of a version that knew none.
func (l *Ledger) Epochs(ctx context.Context) ([]eventstore.Epoch, error) {
	if err := l.Usable(ctx); err != nil || !l.epochs {
		return nil, err
	}
	return readEpochs(ctx, l.db)
}

// Close frees what the ledger holds. It may be called again.
func (l *Ledger) Close() error { return l.close() }

// openExisting returns a pool of connections to a file that must exist. A connection that could only read would leave the files of
// the write-ahead log behind where nobody else has the ledger open; this one takes them away.
func openExisting(path string, pragmas ...string) (*sql.DB, error) {
	pragmas = append(pragmas, fmt.Sprintf("busy_timeout(%d)", busyTimeoutMillis))
	return openPool(path, url.Values{"mode": {"rw"}, "_pragma": pragmas})
}

// Backup copies the ledger in the file at path, as it is at one moment, into a new file at to, while another process may be
// writing to it. The new file is whole when Backup returns without an error; making it durable is the caller's.
func Backup(ctx context.Context, path, to string) error {
	db, err := openExisting(path)
	if err != nil {
		return fmt.Errorf("back up the ledger %s: %w", path, err)
	}
	_, err = migrations.RequireReadable(ctx, db, migrations.SQLite, migrations.Ledger)
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("back up the ledger %s: %w", path, err)
	}
	return nil
}
