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

// maxWaiting bounds how many licences wait to be saved.
const maxWaiting = 1_024

// queue holds the newest state of each licence that waits to be saved.
type queue struct {
	mu      sync.Mutex
	waiting map[uuid.UUID]*license.Stream
	wake    chan struct{} // holds a value while licences wait
}

func newQueue() queue {
	return queue{waiting: map[uuid.UUID]*license.Stream{}, wake: make(chan struct{}, 1)}
}

// put returns false when there is no room.
func (q *queue) put(s *license.Stream) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before, known := q.waiting[s.ID]
	if !known && len(q.waiting) >= maxWaiting {
		return false
	}
	if !known || before.StreamState().Revision < s.StreamState().Revision {
		q.waiting[s.ID] = s
	}
	signal(q.wake)
	return true
}

// take returns one of the waiting, nil when none does.
func (q *queue) take() *license.Stream {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, s := range q.waiting {
		delete(q.waiting, id)
		return s
	}
	return nil
}

// signal leaves a value in a channel that has room for one.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// Save has a licence saved in the background. When too many wait already, or Redis does not answer, it is not.
func (c *Cache) Save(s *license.Stream) {
	if !c.saves.put(s) {
		c.metrics.saved(dropped)
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

// saveNewer sets KEYS[1] to the revision ARGV[1] and the snapshot ARGV[2] for ARGV[3] milliseconds, unless a newer one lies there. It
// answers whether it did.
const saveNewer = `
local there = tonumber(redis.call('GETRANGE', KEYS[1], 0, 19))
if there and there > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
return 1`

func (c *Cache) save(ctx context.Context, s *license.Stream) {
	if c.breaker.State() == gobreaker.StateOpen {
		c.metrics.saved(dropped)
		return
	}
	text, err := license.Snapshot(s)
	if err == nil {
		text, err = c.sealer.SealCached(text, c.space.sealedName(s.ID)...)
	}
	if err != nil || revisionDigits+len(text) > maxValue {
		c.metrics.saved(dropped)
		return
	}
	var stored bool
	err = c.call(ctx, backgroundTimeout, func(ctx context.Context) (err error) {
		revision := fmt.Sprintf("%0*d", revisionDigits, s.StreamState().Revision)
		stored, err = redis.NewScript(saveNewer).Run(ctx, c.client, []string{c.space.key(s.ID)}, revision, text, timeToLive.Milliseconds()).Bool()
		return err
	})
	switch {
	case err != nil:
		c.metrics.saved(dropped)
	case stored:
		c.metrics.saved(stores)
	default:
		c.metrics.saved(outdated)
	}
}
