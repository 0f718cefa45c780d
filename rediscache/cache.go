// Package rediscache lets instances share folded licences through Redis, and tell each other that the ledger grew.
//
// It saves time and nothing else. A licence that is loaded from here is continued, and borne out, by the ledger (see package
// commands), so a Redis that is down, slow, flushed or stale changes no answer and loses nothing. What lies in Redis is sealed: who
// can read it learns nothing, and who can write to it can at most make it useless.
//
// Every call has a deadline and goes through a circuit breaker, so that a Redis that does not answer costs one call every few
// seconds. Saving and announcing happen in the background and are dropped rather than waited for. Within one process only one goroutine
// at a time loads a licence, since that takes the licence's claim; across processes each loads for itself, which is one read.
package rediscache

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"

	"github.com/licenseledger/licenseledger/domain"
)

const (
	// defaultLoadTimeout is how much longer a command may take because of the cache.
	defaultLoadTimeout = 50 * time.Millisecond
	// backgroundTimeout bounds what no command waits for. It leaves time to connect.
	backgroundTimeout = time.Second
	// defaultRetryAfter is how long a Redis that failed is left alone.
	defaultRetryAfter = 5 * time.Second
	// timeToLive is how long a snapshot lies in Redis.
	timeToLive = 5 * time.Minute
)

// Sealer keeps what lies in Redis confidential and authentic. All who share a Redis must share the sealer's keys.
type Sealer interface {
	SealCached(plaintext []byte, name ...string) ([]byte, error)
	OpenCached(sealed []byte, name ...string) ([]byte, error)
}

// Config is what a cache works with.
type Config struct {
	Sealer      Sealer
	Namespace   string        // of the ledger among those that share the Redis; may be empty
	Instance    string        // names this process among those that share the Redis
	LoadTimeout time.Duration // how much longer a command may take because of the cache; 0: 50 ms
	RetryAfter  time.Duration // how long a Redis that failed is left alone; 0: five seconds
	Logger      *slog.Logger
}

// Cache is a Redis that instances share. Its methods are safe for concurrent use, and keep the contract of commands.Cache.
type Cache struct {
	client   redis.UniversalClient
	sealer   Sealer
	space    space
	instance string
	logger   *slog.Logger
	timeout  time.Duration // of who loads
	breaker  *gobreaker.CircuitBreaker[struct{}]
	cause    atomic.Pointer[error] // of the latest failure
	metrics  *metrics

	saves     queue
	grown     chan struct{} // holds a value while there is something to announce
	announced chan struct{}

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Open returns the cache in the Redis that a URL names; see [CheckURL] for the forms. It fails for a malformed URL only: a Redis that
// is not there is tried again from time to time.
func Open(url string, c Config) (*Cache, error) {
	client, err := newClient(url)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	cache := &Cache{
		client: client, sealer: c.Sealer, space: space{namespace(c.Namespace), formatOf(domain.Events())}, instance: c.Instance, logger: c.Logger,
		timeout: cmp.Or(c.LoadTimeout, defaultLoadTimeout),
		saves:   newQueue(), grown: make(chan struct{}, 1), announced: make(chan struct{}, 1), stop: stop,
	}
	cache.breaker = cache.newBreaker(c.RetryAfter)
	cache.metrics = newMetrics(cache.breaker)
	cache.tasks.Go(func() { cache.saveAll(ctx) })
	cache.tasks.Go(func() { cache.announceAll(ctx) })
	cache.tasks.Go(func() { cache.listen(ctx) })
	return cache, nil
}

// Close stops what runs in the background. What was not saved by then is not saved.
func (c *Cache) Close() error {
	c.stop()
	err := c.client.Close() // which ends calls that wait for an answer
	c.tasks.Wait()
	if err != nil {
		return fmt.Errorf("close the connections to Redis: %w", err)
	}
	return nil
}
