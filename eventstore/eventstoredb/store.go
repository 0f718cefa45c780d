// Package eventstoredb keeps the ledger in EventStoreDB or KurrentDB (22.10 and newer), which any number of instances of the
// program may share.
//
// # Names and bytes
//
// Stream names are ours unchanged, such as license-<uuid>, so that the database's own category is "license". Event ids are ours
// too, so the server recognizes an append that is repeated. The payload is stored byte for byte; an event is called JSON
// only when its payload is. The metadata are JSON with $correlationId and $causationId as the database's user interface and
// projections know them, and our own fields beside them. The database's "created" is when it stored the event; our recorded-at
// is in the metadata, to the microsecond.
//
// # Positions
//
// Our position is the commit position of an event in $all. A server stores an append as one record per event, each
// committed by itself and each at a place of its own in the log, so every event of an append has a position of its own, growing in
// the order given; that place is its commit position in reads of $all and of its stream alike. (The prepare position is not usable:
// for the events of one append, servers report the place of the first.) Only the explicit transactions of the protocol before
// gRPC gave several events one commit position; we never write those, and two events at one position are reported as damage.
// A read of $all from (p, p) begins with the event at p, which is left out, and a subscription from (p, p) begins after it; so the
// rest of an append is neither skipped nor repeated. Positions are offsets in a log that holds more than our events: they
// grow, and are not dense. A read may start after 0, after the position of any event, or after the head.
//
// # What is ours
//
// System streams ($…), links and events that do not carry our mark in their metadata are left out of the ledger, so the server
// may have other users. The mark names the prefix of the ledger's streams, so one of these users may be another ledger. An event
// without the mark in the middle of one of our own streams is damage.
//
// # What the server must allow
//
// Reading $all, which by default only administrators may, and appends of up to 16 MiB (--max-append-size) where large imports
// are made; a larger append than the server takes is refused with [eventstore.ErrInvalidAppend].
package eventstoredb

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
)

const defaultQueueCapacity = 1024

type options struct {
	queueCapacity int
	prefix        string
	logger        *slog.Logger
}

// Option changes a default of [Open].
type Option func(*options)

// QueueCapacity sets how many appends may be under way before more are refused with [eventstore.ErrBusy]; 1024 by default.
func QueueCapacity(appends int) Option { return func(o *options) { o.queueCapacity = appends } }

// StreamPrefix puts a prefix before the names of all streams in the database, so that several ledgers can share a server; none
// by default. Any prefixes that differ keep ledgers apart. With one, the database's category of our streams is no longer "license".
// It must not begin with "$".
func StreamPrefix(prefix string) Option { return func(o *options) { o.prefix = prefix } }

// Logger receives what happens to connections; nothing is logged by default.
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// Store is a ledger in EventStoreDB. It implements [eventstore.Store].
type Store struct {
	server *connection
	codec  codec

	slots   chan struct{} // one for each append under way
	life    context.Context
	end     context.CancelFunc
	appends inFlight // for appends
	feeds   inFlight // for subscriptions
	newest  atomic.Pointer[headCache]

	exports *exports
	close   func() error // runs once
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the ledger in the database that url names, and fails when it cannot be read.
//
// url is a connection string as the database's clients take it: esdb://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]?SETTINGS,
// or with the scheme esdb+discover, kurrentdb or kurrentdb+discover. Its settings tls, tlsCaFile, tlsVerifyCert, userCertFile,
// userKeyFile, gossipTimeout, keepAliveInterval, keepAliveTimeout and defaultDeadline (of each call, 10 s when not given, and
// 2 ms more for each event that it moves) are obeyed; the ledger is always read and written at the leader. As with those clients,
// passwords are sent over TLS only.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	o := options{queueCapacity: defaultQueueCapacity, logger: slog.New(slog.DiscardHandler)}
	for _, set := range opts {
		set(&o)
	}
	s, err := newStore(url, o)
	if err == nil {
		s.exports, err = newExports(url, o)
	}
	if err != nil {
		return nil, fmt.Errorf("open the ledger in EventStoreDB: %w", err)
	}
	s.close = sync.OnceValue(s.shutDown)
	if _, err := s.Head(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open the ledger in EventStoreDB: %w", err)
	}
	return s, nil
}

// newStore returns a store that has not looked for the server yet.
func newStore(url string, o options) (*Store, error) {
	server, err := newConnection(url, o.logger)
	if err != nil {
		return nil, err
	}
	s := &Store{server: server, codec: codec{prefix: o.prefix}, slots: make(chan struct{}, o.queueCapacity)}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Subscribe follows the ledger as [eventstore.Store] promises.
func (s *Store) Subscribe(ctx context.Context, after event.Position) (eventstore.Subscription, error) {
	if err := s.checkOpen(ctx); err != nil {
		return nil, err
	}
	return newSubscription(s, after), nil
}

// Close closes the store as [eventstore.Store] promises. It may be called again.
func (s *Store) Close() error { return s.close() }

func (s *Store) shutDown() error {
	s.appends.drain()
	s.end()
	s.feeds.drain()
	s.exports.close()
	s.server.close()
	return nil
}

// checkOpen refuses a closed store and an ended ctx.
func (s *Store) checkOpen(ctx context.Context) error {
	if s.life.Err() != nil {
		return eventstore.ErrClosed
	}
	return ctx.Err()
}
