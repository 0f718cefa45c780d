package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/licenseledger/licenseledger/eventstore/paging"
	"github.com/licenseledger/licenseledger/migrations"
)

// Ledger reads a ledger in a SQLite file and cannot change it. Another process may be writing to it.
type Ledger struct {
	*paging.Reader
	db     *sql.DB
	closed chan struct{}
	close  func() error // runs once
}

// OpenLedger opens the ledger in the file at path to be read only. It fails when there is none, and with the errors of
// [migrations.RequireCurrent] when its tables are not those that this program reads.
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
	if err := migrations.RequireCurrent(ctx, db, migrations.SQLite, migrations.Ledger); err != nil {
		return nil, err
	}
	r, err := newReader(ctx, db)
	if err != nil {
		return nil, err
	}
	l := &Ledger{db: db, closed: make(chan struct{})}
	l.Reader = paging.NewReader(r, l.closed)
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return l.db.Close()
	})
	return l, nil
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
	err = migrations.RequireCurrent(ctx, db, migrations.SQLite, migrations.Ledger)
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("back up the ledger %s: %w", path, err)
	}
	return nil
}
