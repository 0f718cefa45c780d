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

// notification is what a batch tells the other instances: the new head.
func notification(head event.Position) string { return strconv.FormatUint(uint64(head), 10) }

// listener notifies the broadcast when another instance has appended.
type listener struct {
	config    *pgx.ConnConfig
	channel   string
	broadcast *catchup.Broadcast
	logger    *slog.Logger

	mu   sync.Mutex
	head event.Position // of the last notification

	cancel context.CancelFunc
	done   chan struct{}
}

// startListening listens to a channel with a connection of its own, until stop.
func startListening(config *pgx.ConnConfig, channel string, broadcast *catchup.Broadcast, logger *slog.Logger) *listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{
		config: config.Copy(), channel: channel, broadcast: broadcast, logger: logger,
		cancel: cancel, done: make(chan struct{}),
	}
	go l.run(ctx)
	return l
}

func (l *listener) stop() {
	l.cancel()
	<-l.done
}

// onNotify wakes those who wait, if the head is new: an instance receives its own notifications too.
func (l *listener) onNotify(head event.Position) {
	l.mu.Lock()
	news := head > l.head
	l.head = max(l.head, head)
	l.mu.Unlock()
	if news {
		l.broadcast.Notify()
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

// listen notifies the broadcast of every notification until the connection breaks or ctx ends. It returns whether it was listening.
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
	l.broadcast.Notify() // for what was appended while nobody listened
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, err
		}
		if head, err := strconv.ParseUint(notification.Payload, 10, 64); err == nil {
			l.onNotify(event.Position(head))
		}
	}
}
