// Package sqlite keeps the ledger in one SQLite file: the embedded default engine of the event store.
//
// Appends go through a group commit with a single writer connection, in WAL mode with synchronous=FULL: an acknowledged
// append is in the write-ahead log and fsynced. Reads use a pool of connections of their own, page by page, so that no
// reader of ours holds back the log for long; in the background the log is moved into the database file.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/catchup"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
	"github.com/licenseledger/licenseledger/eventstore/paging"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

type options struct {
	queueCapacity   int
	pollInterval    time.Duration
	checkpointBytes int64
	logger          *slog.Logger
}

// Option changes a default of [Open].
type Option func(*options)

// QueueCapacity sets how many appends may wait for the writer before more are refused with [eventstore.ErrBusy]; 4096 by default.
func QueueCapacity(appends int) Option { return func(o *options) { o.queueCapacity = appends } }

// PollInterval sets how often a waiting subscription looks for appends of other processes; 250 ms by default.
func PollInterval(d time.Duration) Option { return func(o *options) { o.pollInterval = d } }

// CheckpointBytes sets the size of the write-ahead log at which it is emptied; [sqlitefile.LogLimit] by default.
func CheckpointBytes(n int64) Option { return func(o *options) { o.checkpointBytes = n } }

// Logger receives what goes wrong in the background; nothing is logged by default.
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// Store is a ledger in a SQLite file. It implements [eventstore.Store].
type Store struct {
	*catchup.Reader
	*groupcommit.Batcher
	exports *catchup.Reader

	writer    *writer
	log       *sqlitefile.Log
	broadcast *catchup.Broadcast

	path               string
	closed             chan struct{}
	close              func() error // runs once
	reading, exporting *sql.DB
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the ledger in the file at path, making or upgrading it as needed; its folder must exist. It fails when the file
// cannot be written with full durability.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := options{
		queueCapacity:   groupcommit.DefaultQueueCapacity,
		pollInterval:    catchup.DefaultPoll,
		checkpointBytes: sqlitefile.LogLimit,
		logger:          slog.New(slog.DiscardHandler),
	}
	for _, set := range opts {
		set(&o)
	}
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("open the ledger %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o options) (_ *Store, err error) {
	writing, err := openWriting(path)
	if err != nil {
		return nil, err
	}
	defer closeOnError(&err, writing)
	if err := migrations.Up(ctx, writing, migrations.SQLite, migrations.Ledger); err != nil {
		return nil, err
	}
	reading, err := openReading(path, max(4, 2*runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, err
	}
	defer closeOnError(&err, reading)
	exporting, err := openReading(path, max(1, runtime.GOMAXPROCS(0)/2))
	if err != nil {
		return nil, err
	}
	defer closeOnError(&err, exporting)
	r, err := newReader(ctx, reading)
	if err != nil {
		return nil, err
	}
	exports, err := newReader(ctx, exporting)
	if err != nil {
		return nil, err
	}
	w := &writer{db: writing}
	if err := w.connect(ctx); err != nil {
		return nil, err
	}

	closed, broadcast := make(chan struct{}), &catchup.Broadcast{}
	source := catchup.Source{Grown: broadcast, Poll: o.pollInterval, Closed: closed}
	s := &Store{
		Reader:    catchup.NewReader(paging.NewReader(r, closed), source),
		exports:   catchup.NewReader(paging.NewReader(exports, closed), source),
		writer:    w,
		broadcast: broadcast,
		path:      path,
		reading:   reading,
		exporting: exporting,
		closed:    closed,
	}
	if s.log, err = sqlitefile.WatchLog(sqlitefile.LogConfig{Path: path, Limit: o.checkpointBytes, Logger: o.logger,
		Alone: w.alone}); err != nil {
		return nil, err
	}
	s.Batcher = groupcommit.NewBatcher(o.queueCapacity, s.writeBatch)
	s.close = sync.OnceValue(s.shutDown)
	return s, nil
}

func closeOnError(err *error, db *sql.DB) {
	if *err != nil {
		*err = errors.Join(*err, db.Close())
	}
}

// writeBatch is the batcher's way to the file.
func (s *Store) writeBatch(batch []groupcommit.Append) ([]groupcommit.Outcome, error) {
	decision, err := s.writer.write(batch)
	if err != nil {
		return nil, err
	}
	if len(decision.Inserts) > 0 {
		s.broadcast.Notify()
		s.log.Written()
	}
	return decision.Outcomes, nil
}

// Exports reads through connections of its own, as [eventstore.Store] promises. They are half as many as there are processors, so
// that clients do not take all the processors' time either.
func (s *Store) Exports() eventstore.Reader { return s.exports }

// Close closes the store as [eventstore.Store] promises. It may be called again.
func (s *Store) Close() error { return s.close() }

func (s *Store) shutDown() error {
	s.Batcher.Close()
	close(s.closed)
	// The writer last: the last connection to close moves the log into the database file.
	return errors.Join(s.log.Close(), s.reading.Close(), s.exporting.Close(), s.writer.close())
}
