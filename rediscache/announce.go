package rediscache

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// announceEvery is the least time between two announcements. One that comes in between is made at its end.
	announceEvery = 10 * time.Millisecond
	// silenceTimeout is how long nobody announces anything before the connection is made anew: it may have died unnoticed.
	silenceTimeout = 30 * time.Second
	// listenAgainAfter is how long to wait before listening anew when that failed.
	listenAgainAfter = time.Second
)

// Announce tells the other instances soon that this one has appended to the ledger.
func (c *Cache) Announce() { signal(c.grown) }

// Announced receives soon after another instance has announced something, and whenever something may have been missed.
func (c *Cache) Announced() <-chan struct{} { return c.announced }

func (c *Cache) announceAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.grown:
		}
		_ = c.call(ctx, backgroundTimeout, func(ctx context.Context) error {
			return c.client.Publish(ctx, c.space.channel(), c.instance).Err()
		}) // the others look by themselves before long
		if !pause(ctx, announceEvery) {
			return
		}
	}
}

// listen forwards what others announce, until ctx ends.
func (c *Cache) listen(ctx context.Context) {
	for {
		c.listenOnce(ctx)
		if !pause(ctx, listenAgainAfter) {
			return
		}
	}
}

func (c *Cache) listenOnce(ctx context.Context) {
	subscription := c.client.Subscribe(ctx, c.space.channel())
	closed := context.AfterFunc(ctx, func() { _ = subscription.Close() }) // reading heeds no context
	defer func() {
		if closed() {
			_ = subscription.Close()
		}
	}()
	for {
		received, err := subscription.ReceiveTimeout(ctx, silenceTimeout)
		if err != nil {
			return
		}
		switch message, ok := received.(*redis.Message); {
		case !ok: // it listens from now on
			signal(c.announced)
		case message.Payload != c.instance:
			c.metrics.received(heard)
			signal(c.announced)
		default:
			c.metrics.received(own)
		}
	}
}

// pause returns false when ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
