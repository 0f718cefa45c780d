package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// checkpointInterval is how often the write-ahead log is moved into the database file when it grows slowly.
const checkpointInterval = time.Minute

// checkpointer keeps the write-ahead log small. When the log has grown beyond its limit, a background goroutine copies it into
// the database file, which disturbs neither readers nor the writer; the writer then only has to copy the little that came
// in meanwhile before it empties the log.
type checkpointer struct {
	db     *sql.DB
	log    string // path of the write-ahead log
	limit  int64
	logger *slog.Logger

	next     atomic.Int64 // size of the log at which to act
	truncate atomic.Bool  // the writer should empty the log
	wanted   chan struct{}
	cancel   context.CancelFunc
	done     chan struct{}
}

func startCheckpoints(db *sql.DB, path string, o options) *checkpointer {
	ctx, cancel := context.WithCancel(context.Background())
	c := &checkpointer{
		db: db, log: path + "-wal", limit: o.checkpointBytes, logger: o.logger,
		wanted: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{}),
	}
	c.next.Store(c.limit)
	go c.run(ctx)
	return c
}

func (c *checkpointer) stop() {
	c.cancel()
	<-c.done
}

// written looks at the log after a commit.
func (c *checkpointer) written() {
	if c.size() < c.next.Load() {
		return
	}
	select {
	case c.wanted <- struct{}{}:
	default: // asked already
	}
}

// mayTruncate says once that the log has been copied and can be emptied.
func (c *checkpointer) mayTruncate() bool { return c.truncate.Load() && c.truncate.Swap(false) }

// report notes how emptying the log went. A log that could not be emptied may grow by another limit before the next attempt.
func (c *checkpointer) report(err error) {
	if err != nil {
		c.logger.Warn("the write-ahead log of the ledger could not be emptied", "error", err)
	}
	c.next.Store(c.size() + c.limit)
}

func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	tick := time.NewTicker(checkpointInterval)
	defer tick.Stop()
	for {
		large := false
		select {
		case <-ctx.Done():
			return
		case <-c.wanted:
			large = true
		case <-tick.C:
		}
		if err := c.copyLog(ctx); err != nil && ctx.Err() == nil {
			c.logger.Warn("the write-ahead log of the ledger could not be copied", "error", err)
		}
		if large {
			c.truncate.Store(true)
		}
	}
}

func (c *checkpointer) copyLog(ctx context.Context) error {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return checkpoint(ctx, conn, "PASSIVE")
}

// size returns the size of the log in bytes, 0 when there is none.
func (c *checkpointer) size() int64 {
	info, err := os.Stat(c.log)
	if err != nil {
		return 0
	}
	return info.Size()
}

// checkpoint copies the log into the database file. That a reader or another process is in the way is no error: the rest is
// copied next time.
func checkpoint(ctx context.Context, conn *sql.Conn, mode string) error {
	var busy, frames, copied int
	return conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &frames, &copied)
}
