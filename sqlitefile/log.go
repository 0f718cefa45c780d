// Package sqlitefile holds what every SQLite file of the program needs: its write-ahead log is kept small, and errors that may
// pass are told from those that stay.
package sqlitefile

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// LogLimit is the size of a write-ahead log, in bytes, at which it is emptied unless another one is given.
const LogLimit = 64 << 20

const (
	// lookEvery is how often the size of a log is looked at.
	lookEvery = time.Second
	// busyTimeoutMillis is how long emptying a log waits for readers in the middle of a query, while nobody can write.
	busyTimeoutMillis = 100
	// fewFrames is how much of a log, as a part of its limit, may be left after copying for emptying to be tried: as much as is
	// written meanwhile, or as queries hold on to that end within the busy timeout.
	fewFrames = 4
)

// LogPath is where SQLite keeps the write-ahead log of the database file at path.
func LogPath(path string) string { return path + "-wal" }

// LogSize is the size in bytes of the write-ahead log of the database file at path, 0 when there is none.
func LogSize(path string) int64 {
	info, err := os.Stat(LogPath(path))
	if err != nil {
		return 0
	}
	return info.Size()
}

// LogConfig says how a write-ahead log is kept small.
type LogConfig struct {
	Path   string // of the database file
	Limit  int64  // in bytes; 0: [LogLimit]
	Logger *slog.Logger
	// Alone runs do while nobody in this process writes to the database, so that emptying the log does not have to wait for a gap
	// between transactions. nil: do is just run.
	Alone func(ctx context.Context, do func() error) error
}

// Log is a write-ahead log that is kept below its limit, as far as readers let it. SQLite cannot empty a log while a transaction
// reads from it: then the log grows with all that is written, a warning tells so once, and the log is emptied within seconds
// after the reader has gone, also when nothing is written any more.
type Log struct {
	config LogConfig
	db     *sql.DB
	held   atomic.Bool // the last attempt to empty it failed
	warned bool        // and a warning told so
	wanted chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// WatchLog begins to keep a write-ahead log small, until [Log.Close].
func WatchLog(c LogConfig) (*Log, error) {
	if c.Limit == 0 {
		c.Limit = LogLimit
	}
	if c.Alone == nil {
		c.Alone = func(_ context.Context, do func() error) error { return do() }
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("watch the write-ahead log of %s: %w", c.Path, err)
	}
	c.Path = path
	options := url.Values{"mode": {"rw"}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", busyTimeoutMillis)}}
	file := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, fmt.Errorf("watch the write-ahead log of %s: %w", c.Path, err)
	}
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(context.Background())
	l := &Log{config: c, db: db, wanted: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go l.run(ctx)
	return l, nil
}

// Close stops watching. It must be called before the last other connection to the file is closed, which moves the log into the
// database file. A nil log is closed already.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.cancel()
	<-l.done
	return l.db.Close()
}

// Written has the log looked at soon if it has reached its limit. It may be called after every commit.
func (l *Log) Written() {
	if l.held.Load() || LogSize(l.config.Path) < l.config.Limit {
		return
	}
	select {
	case l.wanted <- struct{}{}:
	default: // asked already
	}
}

func (l *Log) run(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wanted:
		case <-tick.C:
		}
		err := l.look(ctx)
		if ctx.Err() != nil {
			return
		}
		l.report(ctx, err)
	}
}

// look empties the log when it has reached its limit.
func (l *Log) look(ctx context.Context) error {
	if LogSize(l.config.Path) < l.config.Limit {
		return nil
	}
	left, err := l.copy(ctx)
	if err != nil || left > l.config.Limit/fewFrames {
		return err
	}
	return l.config.Alone(ctx, func() error { return l.checkpoint(ctx, "TRUNCATE", &checkpointed{}) })
}

// copy moves what it can into the database file, which disturbs neither readers nor writers, and returns how many bytes it left.
func (l *Log) copy(ctx context.Context) (left int64, err error) {
	var c checkpointed
	var pageSize int64
	err = l.checkpoint(ctx, "PASSIVE", &c)
	if err == nil {
		err = l.db.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&pageSize)
	}
	return (c.frames - c.copied) * pageSize, err
}

// checkpointed is the answer of https://www.sqlite.org/pragma.html#pragma_wal_checkpoint.
type checkpointed struct{ busy, frames, copied int64 }

func (l *Log) checkpoint(ctx context.Context, mode string, c *checkpointed) error {
	if err := l.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&c.busy, &c.frames, &c.copied); err != nil {
		return fmt.Errorf("checkpoint (%s): %w", mode, err)
	}
	return nil
}

// report tells once when the log stays at its limit, and once when it is small again. A query may be in the way of one attempt; so
// the second one in a row counts.
func (l *Log) report(ctx context.Context, err error) {
	size := LogSize(l.config.Path)
	switch held := l.held.Load(); {
	case size < l.config.Limit:
		l.held.Store(false)
		if l.warned {
			l.config.Logger.InfoContext(ctx, "the write-ahead log is small again", "log", LogPath(l.config.Path), "bytes", size)
		}
		l.warned = false
	case !held:
		l.held.Store(true)
	case l.warned:
	case err != nil:
		l.warned = true
		l.config.Logger.WarnContext(ctx, "the write-ahead log cannot be emptied and grows; trying again", "log", LogPath(l.config.Path),
			"bytes", size, "error", err)
	default:
		l.warned = true
		l.config.Logger.WarnContext(ctx, "a reader keeps the write-ahead log from being emptied; it grows until the reader ends its transaction",
			"log", LogPath(l.config.Path), "bytes", size, "limit", l.config.Limit,
			"hint", "`fuser "+l.config.Path+"` names the processes that have it open: "+
				"end the sqlite3 shell, backup or report that is not this server")
	}
}
