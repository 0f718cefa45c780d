package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// A batch takes two round trips: up to the decision, and from it to the commit. Each statement of the first must see what
// was committed before the lock was granted, hence READ COMMITTED.
const (
	beginSQL = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`

	lockSQL = `
SELECT id
  FROM ledger_head
   FOR UPDATE`

	// headsSQL asks for the ledger's head and the last stream's id.
	headsSQL = `
SELECT coalesce((SELECT max(position) FROM events), 0),
       coalesce((SELECT max(id) FROM streams), 0)`

	// touchedSQL asks for id and revision of those of the given streams that exist.
	touchedSQL = `
SELECT streams.id, streams.name,
       coalesce((SELECT max(revision) FROM events WHERE events.stream = streams.id), 0)
  FROM unnest($1::text[]) AS touched (name) JOIN streams ON streams.name = touched.name`

	// An unnest for each column, side by side, takes the server half the time of one unnest of all in FROM, which keeps
	// every column in a store of its own.
	insertStreamsSQL = `
INSERT INTO streams (id, name)
SELECT unnest($1::bigint[]), unnest($2::text[])`

	insertEventsSQL = `
INSERT INTO events (
    position, stream, revision, recorded_at, id, type,
    tenant, actor, correlation, causation, command_id, request_hash, data
)
SELECT unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::uuid[]), unnest($6::text[]),
       unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::text[]), unnest($12::text[]),
       unnest($13::bytea[])`

	notifySQL = `SELECT pg_notify($1, $2)`

	commitSQL = `COMMIT`
)

// One statement inserts at most so much: the server holds all of its parameters in memory, and no more than 1 GB of them.
const (
	maxInsertEvents = 4096
	maxInsertBytes  = 16 << 20
)

// writer writes batches. It is used by one goroutine at a time.
type writer struct {
	pool    *pgxpool.Pool // of one connection, replaced by a new one after a failure
	channel string        // that is notified
	// timeout bounds the writing of a batch.
	timeout time.Duration
	silent  func() // as a reader's
}

// write stores a batch in one transaction. Whatever fails ends the connection and with it the transaction; the next batch gets
// a new connection.
func (w *writer) write(batch []groupcommit.Append) (groupcommit.Resolution, error) {
	ctx, cancel := pgconnect.Bounded(context.Background(), w.timeout, w.silent)
	defer cancel()
	conn, err := w.pool.Acquire(ctx)
	if err != nil {
		return groupcommit.Resolution{}, fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	decision, err := w.transact(ctx, conn.Conn(), batch)
	if err != nil {
		closing, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Conn().Close(closing)
		return groupcommit.Resolution{}, err
	}
	return decision, nil
}

func (w *writer) transact(ctx context.Context, conn *pgx.Conn, batch []groupcommit.Append) (groupcommit.Resolution, error) {
	stored, streams, err := begin(ctx, conn, batch)
	if err != nil {
		return groupcommit.Resolution{}, engineError("lock the ledger", err)
	}
	decision, err := groupcommit.Resolve(batch, stored)
	if err != nil {
		return groupcommit.Resolution{}, err
	}
	if err := w.finish(ctx, conn, decision.Inserts, streams); err != nil {
		return groupcommit.Resolution{}, err
	}
	return decision, nil
}

// streamIDs numbers the streams of a batch as the table streams does.
type streamIDs struct {
	byName map[string]int64
	last   int64
}

// begin starts the transaction, locks the ledger and reads where it and the streams of a batch are.
func begin(ctx context.Context, conn *pgx.Conn, batch []groupcommit.Append) (groupcommit.Stored, streamIDs, error) {
	stored := groupcommit.Stored{
		Revisions: make(map[string]event.Revision, len(batch)),
		Slice: func(stream string, after event.Revision, n int) ([]event.Envelope, error) {
			return queryEvents(ctx, conn, sliceSQL, stream, int64(after), n)
		},
	}
	ids := streamIDs{byName: make(map[string]int64, len(batch))}
	names := make([]string, 0, len(batch))
	for _, a := range batch {
		if _, seen := stored.Revisions[a.Stream]; !seen {
			stored.Revisions[a.Stream] = 0
			names = append(names, a.Stream)
		}
	}
	var pipeline pgx.Batch
	pipeline.Queue(beginSQL)
	var locked bool
	var head int64
	pipeline.Queue(lockSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&locked) })
	pipeline.Queue(headsSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&head, &ids.last) })
	pipeline.Queue(touchedSQL, names).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var id, revision int64
			var name string
			if err := rows.Scan(&id, &name, &revision); err != nil {
				return err
			}
			ids.byName[name], stored.Revisions[name] = id, event.Revision(revision)
		}
		return rows.Err()
	})
	err := conn.SendBatch(ctx, &pipeline).Close()
	stored.Head = event.Position(head)
	return stored, ids, err
}

// finish stores the events, tells the other instances and commits.
func (w *writer) finish(ctx context.Context, conn *pgx.Conn, runs [][]event.Envelope, streams streamIDs) error {
	var pipeline pgx.Batch
	if len(runs) > 0 {
		queueInserts(&pipeline, runs, streams)
		last := runs[len(runs)-1]
		pipeline.Queue(notifySQL, w.channel, notification(last[len(last)-1].Position))
	}
	var committed pgconn.CommandTag
	pipeline.Queue(commitSQL).Exec(func(tag pgconn.CommandTag) error {
		committed = tag
		return nil
	})
	err := conn.SendBatch(ctx, &pipeline).Close()
	var refused *pgconn.PgError
	switch {
	case committed.String() == commitSQL: // whatever happened to the connection afterwards
		return nil
	case errors.As(err, &refused):
		return engineError("insert", err)
	case err != nil:
		return fmt.Errorf("the outcome of the commit is unknown: %w", engineError("commit", err))
	}
	return fmt.Errorf("the server answered %q to a commit", committed)
}

// queueInserts queues the rows of a batch.
func queueInserts(pipeline *pgx.Batch, runs [][]event.Envelope, streams streamIDs) {
	var ids []int64
	var names []string
	for _, run := range runs {
		name := run[0].Stream
		if _, exists := streams.byName[name]; !exists {
			streams.last++
			streams.byName[name] = streams.last
			ids, names = append(ids, streams.last), append(names, name)
		}
	}
	if len(ids) > 0 {
		pipeline.Queue(insertStreamsSQL, ids, names)
	}
	var c columns
	for _, run := range runs {
		for i := range run {
			if len(c.positions) >= maxInsertEvents || c.bytes >= maxInsertBytes {
				pipeline.Queue(insertEventsSQL, c.arguments()...)
				c = columns{}
			}
			c.add(streams.byName[run[i].Stream], &run[i])
		}
	}
	pipeline.Queue(insertEventsSQL, c.arguments()...)
}

// columns are events on their way into the table events.
type columns struct {
	bytes                                      int
	positions, streams, revisions, recordedAt  []int64
	ids                                        [][16]byte
	types, tenants, actors                     []string
	correlations, causations, commands, hashes []string
	data                                       [][]byte
}

func (c *columns) add(stream int64, e *event.Envelope) {
	data := e.Data
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	c.bytes += len(data)
	c.positions = append(c.positions, int64(e.Position))
	c.streams = append(c.streams, stream)
	c.revisions = append(c.revisions, int64(e.Revision))
	c.recordedAt = append(c.recordedAt, e.RecordedAt.UnixMicro())
	c.ids = append(c.ids, e.ID)
	c.types = append(c.types, string(e.Type))
	c.tenants = append(c.tenants, e.Tenant)
	c.actors = append(c.actors, e.Actor)
	c.correlations = append(c.correlations, e.Correlation)
	c.causations = append(c.causations, e.Causation)
	c.commands = append(c.commands, e.CommandID)
	c.hashes = append(c.hashes, e.RequestHash)
	c.data = append(c.data, data)
}

func (c *columns) arguments() []any {
	return []any{
		c.positions, c.streams, c.revisions, c.recordedAt, c.ids, c.types,
		c.tenants, c.actors, c.correlations, c.causations, c.commands, c.hashes, c.data,
	}
}
