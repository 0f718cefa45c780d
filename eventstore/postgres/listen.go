package postgres

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/catchup"
)

// relistenInterval is how long to wait before connecting again; meanwhile subscriptions poll.
const relistenInterval = time.Second

// notice is what a batch tells the other instances: the new head.
func notice(head event.Position) string { return strconv.FormatUint(uint64(head), 10) }

// listener rings the bell when another instance has appended.
type listener struct {
	config  *pgx.ConnConfig
	channel string
	bell    *catchup.Bell
	logger  *slog.Logger

	mu   sync.Mutex
	head event.Position // that the bell was last rung for

	cancel context.CancelFunc
	done   chan struct{}
}

// startListening listens to a channel with a connection of its own, until stop.
func startListening(config *pgx.ConnConfig, channel string, bell *catchup.Bell, logger *slog.Logger) *listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{
		config: config.Copy(), channel: channel, bell: bell, logger: logger,
		cancel: cancel, done: make(chan struct{}),
	}
	go l.run(ctx)
	return l
}

func (l *listener) stop() {
	l.cancel()
	<-l.done
}

// heard rings the bell if the head is news: an instance hears its own notifications too.
func (l *listener) heard(head event.Position) {
	l.mu.Lock()
	news := head > l.head
	l.head = max(l.head, head)
	l.mu.Unlock()
	if news {
		l.bell.Ring()
	}
}

func (l *listener) run(ctx context.Context) {
	defer close(l.done)
	for failures := 0; ; {
		listening, err := l.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if listening {
			failures = 0
		}
		if failures++; failures == 1 {
			l.logger.Warn("not notified of other instances' appends, polling instead", "error", err)
		}
		again := time.NewTimer(relistenInterval)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// listen rings the bell for every notification until the connection breaks or ctx ends. It tells whether it was listening.
func (l *listener) listen(ctx context.Context) (listening bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, l.config)
	if err != nil {
		return false, err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel}.Sanitize()); err != nil {
		return false, err
	}
	l.bell.Ring() // for what was appended while nobody listened
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, err
		}
		if head, err := strconv.ParseUint(notification.Payload, 10, 64); err == nil {
			l.heard(event.Position(head))
		}
	}
}
