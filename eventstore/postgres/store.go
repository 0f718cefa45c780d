// Package postgres keeps the ledger in a PostgreSQL schema that any number of instances of the program share.
//
// Appends go through a group commit: one transaction per batch, which locks the row of ledger_head, so that positions are dense
// and in commit order whoever writes. An acknowledged append is in the server's write-ahead log and fsynced. Reads use connections
// of their own, page by page. One notification per batch tells the other instances that the ledger has grown; they poll as well.
//
// All connections go to the primary. When the server restarts or a connection breaks, the appends and reads under way fail with
// [eventstore.ErrUnavailable], and the next ones use new connections.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/catchup"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
	"github.com/licenseledger/licenseledger/eventstore/paging"
	"github.com/licenseledger/licenseledger/migrations"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// DefaultSchema is the PostgreSQL schema that holds the ledger unless [Schema] names another.
const DefaultSchema = "licenseledger_ledger"

// The bounds of [MaxConnections].
const (
	DefaultConnections = 16                    // when the option is not given
	MinConnections     = 3 + exportConnections // one writes, one listens, one reads

	exportConnections = 2
)

type options struct {
	schema         string
	maxConnections int
	queueCapacity  int
	pollInterval   time.Duration
	logger         *slog.Logger
}

// Option changes a default of [Open].
type Option func(*options)

// Schema sets the PostgreSQL schema that holds the ledger; [DefaultSchema] by default.
func Schema(name string) Option { return func(o *options) { o.schema = name } }

// MaxConnections sets how many connections the store opens at most: one that writes, one that listens, two for exports, the others
// read. [DefaultConnections] by default, at least [MinConnections].
func MaxConnections(n int) Option { return func(o *options) { o.maxConnections = n } }

// QueueCapacity sets how many appends may wait for the writer before more are refused with [eventstore.ErrBusy]; 4096 by default.
func QueueCapacity(appends int) Option { return func(o *options) { o.queueCapacity = appends } }

// PollInterval sets how often a waiting subscription looks for appends whose notification was missed; 250 ms by default.
func PollInterval(d time.Duration) Option { return func(o *options) { o.pollInterval = d } }

// Logger receives what goes wrong in the background; nothing is logged by default.
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// Store is a ledger in a PostgreSQL schema. It implements [eventstore.Store].
type Store struct {
	*catchup.Reader
	*groupcommit.Batcher
	exports *catchup.Reader

	writer             *writer
	reading, exporting *pgxpool.Pool
	reader             *reader
	listener           *listener

	end   context.CancelFunc // closes what Reader and source look at
	close func() error       // runs once
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the ledger in the database that url names, making or upgrading its schema as needed. It fails when the database
// does not keep what it acknowledges (fsync, synchronous_commit), is a standby, or is not in UTF-8.
//
// url is a connection string as libpq and pgx understand it. Settings in it, such as lock_timeout, take precedence over those of
// the store; the size of the pools is [MaxConnections] alone. A pooler that shares sessions among clients must not stand in between:
// the store listens, prepares statements and sets its sessions up.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	o := options{
		schema:         DefaultSchema,
		maxConnections: DefaultConnections,
		queueCapacity:  groupcommit.DefaultQueueCapacity,
		pollInterval:   catchup.DefaultPoll,
		logger:         slog.New(slog.DiscardHandler),
	}
	for _, set := range opts {
		set(&o)
	}
	s, err := open(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("open the ledger in PostgreSQL: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, url string, o options) (_ *Store, err error) {
	if o.maxConnections < MinConnections {
		return nil, fmt.Errorf("%d connections are too few, at least %d are needed", o.maxConnections, MinConnections)
	}
	config, err := pgconnect.Parse(url, o.schema, sessionSettings, pgconnect.Writable)
	if err != nil {
		return nil, err
	}
	writing, err := openWriting(ctx, config)
	if err != nil {
		return nil, err
	}
	defer closeOnError(&err, writing)
	if err := pgconnect.Migrate(ctx, config.ConnConfig, o.schema, migrations.Ledger); err != nil {
		return nil, err
	}
	reading, err := openReading(ctx, config, o.maxConnections-2-exportConnections)
	if err != nil {
		return nil, err
	}
	defer closeOnError(&err, reading)
	exporting, err := openReading(ctx, config, exportConnections)
	if err != nil {
		return nil, err
	}

	life, end := context.WithCancel(context.Background())
	broadcast, timeout := &catchup.Broadcast{}, pgconnect.Timeout(config.ConnConfig)
	source := catchup.Source{Grown: broadcast, Poll: o.pollInterval, Closed: life.Done()}
	through := func(r *reader) *catchup.Reader {
		return catchup.NewReader(paging.NewReader(r, life.Done()), source)
	}
	silent := func() {
		for _, pool := range []*pgxpool.Pool{writing, reading, exporting} {
			pool.Reset()
		}
	}
	r := &reader{pool: reading, life: life, timeout: timeout, silent: silent}
	s := &Store{
		Reader:    through(r),
		exports:   through(&reader{pool: exporting, life: life, timeout: timeout, silent: silent}),
		reader:    r,
		writer:    &writer{pool: writing, channel: o.schema, timeout: timeout, silent: silent},
		reading:   reading,
		exporting: exporting,
		listener:  startListening(config.ConnConfig, o.schema, broadcast, o.logger),
		end:       end,
	}
	s.Batcher = groupcommit.NewBatcher(o.queueCapacity, s.writeBatch)
	s.close = sync.OnceValue(s.shutDown)
	return s, nil
}

func closeOnError(err *error, pool *pgxpool.Pool) {
	if *err != nil {
		pool.Close()
	}
}

// Append adds events to a stream as [eventstore.Store] promises.
func (s *Store) Append(ctx context.Context, stream string, expected event.Revision, events []event.Pending) (eventstore.Commit, error) {
	if err := eventstore.CheckText(stream, events); err != nil {
		return eventstore.Commit{}, err
	}
	return s.Batcher.Append(ctx, stream, expected, events)
}

// AppendInOrder stores several appends, at most [groupcommit.MaxAppendsPerBatch], in one commit and in their order.
func (s *Store) AppendInOrder(ctx context.Context, appends []groupcommit.Append) error {
	for _, a := range appends {
		if err := eventstore.CheckText(a.Stream, a.Events); err != nil {
			return err
		}
	}
	return s.Batcher.AppendInOrder(ctx, appends)
}

// writeBatch is the batcher's way to the database.
func (s *Store) writeBatch(batch []groupcommit.Append) ([]groupcommit.Outcome, error) {
	decision, err := s.writer.write(batch)
	if err != nil {
		return nil, err
	}
	if n := len(decision.Inserts); n > 0 {
		last := decision.Inserts[n-1]
		s.listener.onNotify(last[len(last)-1].Position)
	}
	return decision.Outcomes, nil
}

// Exports reads through connections of its own, as [eventstore.Store] promises.
func (s *Store) Exports() eventstore.Reader { return s.exports }

// Close closes the store as [eventstore.Store] promises. It may be called again.
func (s *Store) Close() error { return s.close() }

func (s *Store) shutDown() error {
	s.Batcher.Close()
	s.end()
	s.listener.stop()
	s.writer.pool.Close()
	s.reading.Close()
	s.exporting.Close()
	return nil
}
