// Package rediscache lets instances share folded licences through Redis, and announce to each other that they appended to the ledger.
//
// The cache only saves time. Package commands reads the events after a cached licence from the ledger and checks that both belong
// together. So no response depends on the cache, and nothing is lost if Redis is down, slow, flushed or stale. Values in Redis are sealed:
// whoever can read them learns nothing, and whoever can write them can only make the cache useless.
//
// Every call has a deadline and goes through a circuit breaker, so an unavailable Redis costs one call every few seconds. Saving and
// announcing happen in the background; under overload they are dropped. In one process, only one goroutine at a time loads a licence,
// because it holds the licence's lock. Each process loads for itself, which is one read.
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
	// defaultLoadTimeout is how long a command waits for the cache.
	defaultLoadTimeout = 50 * time.Millisecond
	// backgroundTimeout is the timeout of calls that no command waits for. It leaves time to connect.
	backgroundTimeout = time.Second
	// defaultRetryAfter is how long the breaker stays open after a failure.
	defaultRetryAfter = 5 * time.Second
	// timeToLive is when a snapshot expires.
	timeToLive = 5 * time.Minute
)

// Sealer encrypts and authenticates the values in Redis. All instances that share a Redis must share the sealer's keys.
type Sealer interface {
	SealCached(plaintext []byte, name ...string) ([]byte, error)
	OpenCached(sealed []byte, name ...string) ([]byte, error)
}

// Config configures a cache.
type Config struct {
	Sealer      Sealer
	Namespace   string        // of the ledger, if several share the Redis; may be empty
	Instance    string        // identifies this process among those that share the Redis
	LoadTimeout time.Duration // how long a command waits for the cache; 0: 50 ms
	RetryAfter  time.Duration // how long the breaker stays open after a failure; 0: 5 s
	Logger      *slog.Logger
}

// Cache is a cache of folded licences in Redis. It implements commands.Cache, and its methods are safe for concurrent use.
type Cache struct {
	client   redis.UniversalClient
	sealer   Sealer
	keys     keyspace
	instance string
	logger   *slog.Logger
	timeout  time.Duration // of loads
	breaker  *gobreaker.CircuitBreaker[struct{}]
	cause    atomic.Pointer[error] // of the latest failure
	metrics  *metrics

	saves      queue
	toAnnounce chan struct{} // holds a value while an append is not announced yet
	announced  chan struct{}

	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Open returns the cache in the Redis at a URL; see [CheckURL] for the forms. It fails only for a malformed URL. An unavailable Redis is
// retried.
func Open(url string, c Config) (*Cache, error) {
	client, err := newClient(url)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	cache := &Cache{
		client: client, sealer: c.Sealer, keys: keyspace{namespace(c.Namespace), formatOf(domain.Events())},
		instance: c.Instance, logger: c.Logger, timeout: cmp.Or(c.LoadTimeout, defaultLoadTimeout),
		saves: newQueue(), toAnnounce: make(chan struct{}, 1), announced: make(chan struct{}, 1), stop: stop,
	}
	cache.breaker = cache.newBreaker(c.RetryAfter)
	cache.metrics = newMetrics(cache.breaker)
	cache.tasks.Go(func() { cache.saveAll(ctx) })
	cache.tasks.Go(func() { cache.announceAll(ctx) })
	cache.tasks.Go(func() { cache.listen(ctx) })
	return cache, nil
}

// Close stops the background work. It drops licences that wait to be saved.
func (c *Cache) Close() error {
	c.stop()
	err := c.client.Close() // ends calls that wait for a reply
	c.tasks.Wait()
	if err != nil {
		return fmt.Errorf("close the connections to Redis: %w", err)
	}
	return nil
}
