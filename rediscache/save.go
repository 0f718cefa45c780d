package rediscache

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/licenseledger/licenseledger/domain/license"
)

// maxWaiting is how many licences may wait to be saved.
const maxWaiting = 1_024

// queue holds the latest revision of each licence that waits to be saved.
type queue struct {
	mu      sync.Mutex
	waiting map[uuid.UUID]*license.Stream
	wake    chan struct{} // holds a value while licences wait
}

func newQueue() queue {
	return queue{waiting: map[uuid.UUID]*license.Stream{}, wake: make(chan struct{}, 1)}
}

// add returns false if the queue is full.
func (q *queue) add(s *license.Stream) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	queued, found := q.waiting[s.ID]
	if !found && len(q.waiting) >= maxWaiting {
		return false
	}
	if !found || queued.StreamState().Revision < s.StreamState().Revision {
		q.waiting[s.ID] = s
	}
	signal(q.wake)
	return true
}

// take removes a licence and returns it, nil if none waits.
func (q *queue) take() *license.Stream {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, s := range q.waiting {
		delete(q.waiting, id)
		return s
	}
	return nil
}

// signal sends a value unless the channel is full.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// Save saves a licence in the background. It drops the licence if the queue is full or Redis does not answer.
func (c *Cache) Save(s *license.Stream) {
	if !c.saves.add(s) {
		c.metrics.countSave(dropped)
	}
}

func (c *Cache) saveAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.saves.wake:
		}
		for s := c.saves.take(); s != nil && ctx.Err() == nil; s = c.saves.take() {
			c.save(ctx, s)
		}
	}
}

// setIfNewer sets KEYS[1] to the revision ARGV[1] and the snapshot ARGV[2], to expire in ARGV[3] ms, unless the key has a later revision.
// It returns whether it did.
const setIfNewer = `
local current = tonumber(redis.call('GETRANGE', KEYS[1], 0, 19))
if current and current > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
return 1`

func (c *Cache) save(ctx context.Context, s *license.Stream) {
	if c.breaker.State() == gobreaker.StateOpen {
		c.metrics.countSave(dropped)
		return
	}
	text, err := license.Snapshot(s)
	if err == nil {
		text, err = c.sealer.SealCached(text, c.keys.sealedName(s.ID)...)
	}
	if err != nil || revisionDigits+len(text) > maxValue {
		c.metrics.countSave(dropped)
		return
	}
	var stored bool
	err = c.call(ctx, backgroundTimeout, func(ctx context.Context) (err error) {
		revision := fmt.Sprintf("%0*d", revisionDigits, s.StreamState().Revision)
		stored, err = redis.NewScript(setIfNewer).Run(ctx, c.client, []string{c.keys.key(s.ID)}, revision, text, timeToLive.Milliseconds()).Bool()
		return err
	})
	switch {
	case err != nil:
		c.metrics.countSave(dropped)
	case stored:
		c.metrics.countSave(saved)
	default:
		c.metrics.countSave(outdated)
	}
}
