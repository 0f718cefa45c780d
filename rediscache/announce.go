package rediscache

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// announceInterval is the minimum time between two announcements. Those in between are sent as one at its end.
	announceInterval = 10 * time.Millisecond
	// idleTimeout is how long a subscription may receive nothing before it is renewed, since its connection may be dead.
	idleTimeout = 30 * time.Second
	// resubscribeDelay is how long to wait between two subscriptions.
	resubscribeDelay = time.Second
)

// Announce tells the other instances, in the background, that this one has appended to the ledger.
func (c *Cache) Announce() { signal(c.toAnnounce) }

// Announced receives a value after another instance has announced an append, and whenever an announcement may have been missed.
func (c *Cache) Announced() <-chan struct{} { return c.announced }

func (c *Cache) announceAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.toAnnounce:
		}
		_ = c.call(ctx, backgroundTimeout, func(ctx context.Context) error {
			return c.client.Publish(ctx, c.keys.channel(), c.instance).Err()
		}) // without announcements the others poll the ledger
		if !wait(ctx, announceInterval) {
			return
		}
	}
}

// listen receives the announcements of other instances until ctx ends.
func (c *Cache) listen(ctx context.Context) {
	for {
		c.subscribe(ctx)
		if !wait(ctx, resubscribeDelay) {
			return
		}
	}
}

// subscribe receives announcements until the subscription fails.
func (c *Cache) subscribe(ctx context.Context) {
	subscription := c.client.Subscribe(ctx, c.keys.channel())
	closed := context.AfterFunc(ctx, func() { _ = subscription.Close() }) // ReceiveTimeout ignores the end of its context
	defer func() {
		if closed() {
			_ = subscription.Close()
		}
	}()
	for {
		reply, err := subscription.ReceiveTimeout(ctx, idleTimeout)
		if err != nil {
			return
		}
		switch message, ok := reply.(*redis.Message); {
		case !ok: // the subscription has begun
			signal(c.announced)
		case message.Payload != c.instance:
			c.metrics.countAnnouncement(received)
			signal(c.announced)
		default:
			c.metrics.countAnnouncement(own)
		}
	}
}

// wait returns false if ctx ended before d has passed.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
