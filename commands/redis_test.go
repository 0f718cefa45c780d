package commands_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/rediscache"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// aRedis starts a server of the test's own: offices have the same ids.
func aRedis(t testing.TB) *services.Redis {
	t.Helper()
	server, err := services.StartRedis()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// redisClient is somebody else who can reach the server.
func redisClient(t testing.TB, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	c := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// redisCache is the cache of one more instance. A Redis that failed is left alone until the end of the test.
func (o *fixture) redisCache(url string) *rediscache.Cache {
	o.t.Helper()
	cache, err := rediscache.Open(url, rediscache.Config{
		Sealer: o.ring, Instance: o.ids.next().String(), RetryAfter: time.Hour, Logger: slog.New(slog.DiscardHandler),
		LoadTimeout: time.Second, // a busy machine must not look like a Redis that hangs
	})
	require.NoError(o.t, err)
	o.t.Cleanup(func() { require.NoError(o.t, cache.Close()) })
	return cache
}

// wornInRedis is a licence with so many events, the last snapshot of which lies in Redis.
func (o *fixture) wornInRedis(cache *rediscache.Cache, events int) licensing.IssuedLicense {
	o.t.Helper()
	issued := o.worn(o.handlerWith(o.store, 10, cache), events)
	require.Eventually(o.t, func() bool {
		s := cache.Load(o.t.Context(), issued.ID)
		return s != nil && int(s.StreamState().Revision) == events/16*16
	}, time.Minute, time.Millisecond)
	return issued
}

// calls is how many calls of Redis had an outcome.
func calls(t testing.TB, cache *rediscache.Cache, outcome string) int {
	t.Helper()
	return countOf(t, cache, "licenseledger_redis_calls_total", outcome)
}

func loads(t testing.TB, cache *rediscache.Cache, outcome string) int {
	t.Helper()
	return countOf(t, cache, "licenseledger_redis_loads_total", outcome)
}

func countOf(t testing.TB, cache *rediscache.Cache, metric, outcome string) int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(cache.Metrics())
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == metric && m.GetLabel()[0].GetValue() == outcome {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	t.Fatalf("there is no %s of outcome %s", metric, outcome)
	return 0
}

func TestAColdInstanceAnswersFromRedisAndTheEndOfTheStream(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	issued := o.wornInRedis(o.redisCache(server.URL()), 40)
	ledger, cache := &reader{Store: o.store}, o.redisCache(server.URL())
	o.requireSameAnswers(o.handlerWith(ledger, 10, cache), o.store, issued.Key)
	require.Equal(t, 1, loads(t, cache, "hit"))
	require.Equal(t, int64(1), ledger.reads.Load())
	require.Equal(t, int64(40-32+1), ledger.events.Load())
}

func TestARedisThatIsNotThereAtTheStartChangesNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	server.Kill()
	cache := o.redisCache(server.URL())
	issued := o.worn(o.handlerWith(o.store, 10, cache), 40)
	for range 20 {
		o.requireSameAnswers(o.handlerWith(o.store, 10, cache), o.store, issued.Key)
	}
	require.LessOrEqual(t, calls(t, cache, "failed"), 3, "one of each kind at the most: the first opens the breaker")
	require.GreaterOrEqual(t, calls(t, cache, "refused"), 20)
}

func TestARedisThatIsKilledInMidLoadChangesNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	cache := o.redisCache(server.URL())
	h := o.handlerWith(o.store, 10, cache)
	licenses := make([]licensing.IssuedLicense, 8)
	for i := range licenses {
		licenses[i] = o.worn(h, 14)
	}
	var load sync.WaitGroup
	half := make(chan struct{}, len(licenses))
	for _, issued := range licenses {
		load.Go(func() {
			for n := 14; n < 50; n++ {
				if n == 32 {
					half <- struct{}{}
				}
				o.turn(h, issued.ID, n)
				v, err := o.handlerWith(o.store, 10, cache).Activation.Validate(o.machine(), runtime.Request{},
					activation.Validate{LicenseKey: o.key(issued.Key)})
				require.NoError(t, err)
				require.Equal(t, event.Revision(n+1), v.Revision)
			}
		})
	}
	<-half
	server.Kill()
	load.Wait()
	require.Positive(t, calls(t, cache, "refused"))
	for _, issued := range licenses {
		o.requireSameAnswers(o.handlerWith(o.store, 10, cache), o.store, issued.Key)
		require.Len(t, o.stream(issued.ID), 50, "nothing is lost")
	}
}

func (o *fixture) stream(id uuid.UUID) (events []event.Envelope) {
	o.t.Helper()
	for e, err := range o.store.ReadStream(o.t.Context(), license.StreamName(id), 0) {
		require.NoError(o.t, err)
		events = append(events, e)
	}
	return events
}

func TestARedisThatHangsIsAskedAFewTimesOnly(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	cache := o.redisCache(server.URL())
	issued := o.wornInRedis(cache, 20)
	require.NoError(t, server.Pause())
	t.Cleanup(func() { require.NoError(t, server.Resume()) })
	for n := range 30 {
		o.requireSameAnswers(o.handlerWith(o.store, 10, cache), o.store, issued.Key)
		o.turn(o.handlerWith(o.store, 10, cache), issued.ID, 20+n)
	}
	require.LessOrEqual(t, calls(t, cache, "failed"), 7,
		"five in a row open the breaker; one save and one announcement may be on their way then")
	require.GreaterOrEqual(t, calls(t, cache, "refused"), 50)
}

func TestAFlushedRedisChangesNothingAndFillsAgain(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	issued := o.wornInRedis(o.redisCache(server.URL()), 40)
	require.NoError(t, redisClient(t, server.URL()).FlushAll(t.Context()).Err())
	cache := o.redisCache(server.URL())
	o.requireSameAnswers(o.handlerWith(o.store, 10, cache), o.store, issued.Key)
	require.Equal(t, 1, loads(t, cache, "miss"))
	require.Eventually(t, func() bool { return cache.Load(t.Context(), issued.ID) != nil }, time.Minute, time.Millisecond)
}

// inRedis returns the key under which a licence lies.
func inRedis(t testing.TB, c *redis.Client, id uuid.UUID) string {
	t.Helper()
	keys, err := c.Keys(t.Context(), "*"+id.String()).Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	return keys[0]
}

func TestAStaleSnapshotChangesNothing(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	cache, client := o.redisCache(server.URL()), redisClient(t, server.URL())
	issued := o.wornInRedis(cache, 20)
	old := client.Get(t.Context(), inRedis(t, client, issued.ID)).Val()
	for n := 20; n < 60; n++ {
		o.turn(o.Handler, issued.ID, n)
	}
	_, err := o.Licensing.RevokeLicense(o.admin(vendor), runtime.Request{}, licensing.RevokeLicense{LicenseID: issued.ID, Reason: "fraud"})
	require.NoError(t, err)
	require.NoError(t, client.Set(t.Context(), inRedis(t, client, issued.ID), old, 0).Err())
	cold := o.redisCache(server.URL())
	h := o.handlerWith(o.store, 10, cold)
	o.requireSameAnswers(h, o.store, issued.Key)
	require.Equal(t, license.LicenseRevoked, o.code(h, issued.Key))
	require.Equal(t, 1, loads(t, cold, "hit"))
}

func TestWhoCanWriteToRedisCannotChangeAnAnswer(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	cache, client := o.redisCache(server.URL()), redisClient(t, server.URL())
	another := client.Get(t.Context(), inRedis(t, client, o.wornInRedis(cache, 20).ID)).Val()
	for name, tamper := range map[string]func(value []byte, forged string) string{
		"one bit":                       func(v []byte, _ string) string { v[len(v)/2] ^= 1; return string(v) },
		"the end missing":               func(v []byte, _ string) string { return string(v[:len(v)-1]) },
		"nothing but a revision":        func(v []byte, _ string) string { return string(v[:20]) },
		"too short for that":            func([]byte, string) string { return "7" },
		"a snapshot that is not sealed": func(v []byte, forged string) string { return string(v[:20]) + forged },
		"another licence's":             func([]byte, string) string { return another },
		"a huge value":                  func(v []byte, _ string) string { return string(v[:20]) + strings.Repeat("x", 5<<20) },
	} {
		issued := o.wornInRedis(cache, 20)
		forged, err := license.Snapshot(o.continuation(cache.Load(t.Context(), issued.ID), 17))
		require.NoError(t, err)
		key := inRedis(t, client, issued.ID)
		value := client.Get(t.Context(), key).Val()
		require.NoError(t, client.Set(t.Context(), key, tamper([]byte(value), string(forged)), 0).Err())
		cold := o.redisCache(server.URL())
		o.requireSameAnswers(o.handlerWith(o.store, 10, cold), o.store, issued.Key)
		require.Equal(t, 1, loads(t, cold, "rejected"), name)
	}
}

// putBack returns a ledger that holds what o's held up to a position: one that was put back from a backup.
func (o *fixture) putBack(until event.Position) eventstore.Store {
	o.t.Helper()
	ledger, err := sqlite.Open(o.t.Context(), filepath.Join(o.t.TempDir(), ledgerFile))
	require.NoError(o.t, err)
	o.t.Cleanup(func() { require.NoError(o.t, ledger.Close()) })
	for _, e := range o.after(0) {
		if e.Position > until {
			break
		}
		_, err := ledger.Append(o.t.Context(), e.Stream, e.Revision-1, []event.Pending{e.Pending})
		require.NoError(o.t, err)
	}
	return ledger
}

func TestASnapshotAheadOfALedgerThatWasPutBackIsIgnored(t *testing.T) {
	t.Parallel()
	for name, goesOn := range map[string]bool{"and stands there": false, "and went on otherwise": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newFixture(t)
			server := aRedis(t)
			cache := o.redisCache(server.URL())
			h := o.handlerWith(o.store, 10, cache)
			issued := o.worn(h, 20)
			backup := o.head()
			for n := 20; n < 40; n++ {
				o.turn(h, issued.ID, n)
			}
			require.Eventually(t, func() bool {
				return cache.Load(t.Context(), issued.ID).StreamState().Revision == 32
			}, time.Minute, time.Millisecond)

			restored := o.putBack(backup)
			if goesOn {
				for n := 20; n < 40; n++ { // the same again, at the same positions, but not the same events
					o.turn(o.handler(restored, 10), issued.ID, n)
				}
			}
			cold := o.redisCache(server.URL())
			o.requireSameAnswers(o.handlerWith(restored, 10, cold), restored, issued.Key)
			require.Equal(t, 1, loads(t, cold, "hit"))
		})
	}
}

func TestInstancesHearOfEachOthersAppendsThroughRedis(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	server := aRedis(t)
	here, there := o.redisCache(server.URL()), o.redisCache(server.URL())
	<-there.Announced() // it listens from now on, and may have missed something before
	o.worn(o.handlerWith(o.store, 10, here), 3)
	<-there.Announced()
}

// BenchmarkColdValidate validates a licence of 200 events by an instance that has just started.
func BenchmarkColdValidate(b *testing.B) {
	o := newFixture(b)
	server := aRedis(b)
	cache := o.redisCache(server.URL())
	issued := o.worn(o.handlerWith(o.store, 10, cache), 200)
	require.Eventually(b, func() bool {
		s := cache.Load(b.Context(), issued.ID)
		return s != nil && s.StreamState().Revision == 192
	}, time.Minute, time.Millisecond)
	for name, with := range map[string]commands.Cache{"ledger only": nil, "with Redis": cache} {
		b.Run(name, func(b *testing.B) {
			ledger := &reader{Store: o.store}
			for b.Loop() {
				b.StopTimer()
				h := o.handlerWith(ledger, 10, with)
				b.StartTimer()
				_, err := h.Activation.Validate(o.machine(), runtime.Request{}, activation.Validate{LicenseKey: o.key(issued.Key)})
				require.NoError(b, err)
			}
			b.ReportMetric(float64(ledger.events.Load())/float64(b.N), "events/op")
		})
	}
}
