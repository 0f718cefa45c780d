package rediscache_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
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
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/rediscache"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

var shared services.SharedRedis

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.With(m)) }

// log is what a cache has logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}

func ring(t *testing.T) *keyring.Keyring {
	t.Helper()
	dir := t.TempDir()
	db, err := keyring.OpenSQLite(t.Context(), filepath.Join(dir, "keys.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	master, err := keyring.LoadOrCreateMasterKey(t.Context(), filepath.Join(dir, "master.key"), db)
	require.NoError(t, err)
	k, err := keyring.Open(t.Context(), keyring.Config{DB: db, Master: master, Random: rand.Reader, Now: time.Now})
	require.NoError(t, err)
	return k
}

func open(t *testing.T, url string, change ...func(*rediscache.Config)) *rediscache.Cache {
	t.Helper()
	c := rediscache.Config{Instance: uuid.NewString(), LoadTimeout: time.Second, RetryAfter: time.Hour, Logger: slog.New(slog.DiscardHandler)}
	for _, apply := range change {
		apply(&c)
	}
	if c.Sealer == nil {
		c.Sealer = ring(t)
	}
	cache, err := rediscache.Open(url, c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cache.Close()) })
	return cache
}

func sealedBy(k *keyring.Keyring) func(*rediscache.Config) {
	return func(c *rediscache.Config) { c.Sealer = k }
}

func start(t *testing.T) *services.Redis {
	t.Helper()
	server, err := services.StartRedis()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	require.NoError(t, err)
	c := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// at is a licence at a revision.
func at(t *testing.T, id uuid.UUID, revision int) *license.Stream {
	t.Helper()
	events := []event.Event{{Payload: license.Issued{LicenseID: id}}}
	for len(events) < revision {
		events = append(events, event.Event{Payload: license.Suspended{}})
	}
	for i := range events {
		events[i].Revision, events[i].Position, events[i].ID = event.Revision(i+1), event.Position(i+1), uuid.New()
	}
	s, err := license.Fold(nil, events...)
	require.NoError(t, err)
	return s
}

// metric is the value of a counter with an outcome, or of a gauge without.
func metric(t *testing.T, cache *rediscache.Cache, name, outcome string) int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(cache.Metrics())
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != "licenseledger_redis_"+name {
			continue
		}
		for _, m := range family.GetMetric() {
			if len(m.GetLabel()) == 0 {
				return int(m.GetGauge().GetValue())
			}
			if m.GetLabel()[0].GetValue() == outcome {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	t.Fatalf("there is no %s of outcome %q", name, outcome)
	return 0
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	require.Eventually(t, happened, time.Minute, time.Millisecond)
}

// save saves and waits until that has come to its outcome.
func save(t *testing.T, cache *rediscache.Cache, s *license.Stream, outcome string) {
	t.Helper()
	before := metric(t, cache, "saves_total", outcome)
	cache.Save(s)
	eventually(t, func() bool { return metric(t, cache, "saves_total", outcome) == before+1 })
}

func TestWhatOneInstanceSavesAnotherLoads(t *testing.T) {
	t.Parallel()
	keys := ring(t)
	here, there := open(t, shared.URL(), sealedBy(keys)), open(t, shared.URL(), sealedBy(keys))
	s := at(t, uuid.New(), 3)
	require.Nil(t, there.Load(t.Context(), s.ID))
	save(t, here, s, "saved")
	domaintest.RequireSame(t, s, there.Load(t.Context(), s.ID))
	require.Equal(t, 1, metric(t, there, "loads_total", "miss"))
	require.Equal(t, 1, metric(t, there, "loads_total", "hit"))
	require.Zero(t, metric(t, there, "breaker_state", ""))
}

func TestAnOlderSnapshotNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	cache := open(t, shared.URL())
	id := uuid.New()
	for _, step := range []struct {
		revision int
		outcome  string
		held     event.Revision
	}{{9, "saved", 9}, {10, "saved", 10}, {9, "outdated", 10}, {2, "outdated", 10}, {10, "saved", 10}, {100, "saved", 100}} {
		save(t, cache, at(t, id, step.revision), step.outcome)
		require.Equal(t, step.held, cache.Load(t.Context(), id).StreamState().Revision)
	}
}

func TestASnapshotLiesInRedisForFiveMinutesAtMostAndIsNotReadable(t *testing.T) {
	t.Parallel()
	server := start(t)
	cache, c := open(t, server.URL()), client(t, server.URL())
	s := at(t, uuid.New(), 3)
	save(t, cache, s, "saved")
	keys := c.Keys(t.Context(), "*").Val()
	require.Len(t, keys, 1)
	require.Regexp(t, fmt.Sprintf("^licenseledger:license:%d-[0-9a-f]{16}:%s$", license.SnapshotFormat, s.ID), keys[0])
	left := c.PTTL(t.Context(), keys[0]).Val()
	require.Positive(t, left)
	require.LessOrEqual(t, left, 5*time.Minute)
	require.NotContains(t, c.Get(t.Context(), keys[0]).Val(), "ACTIVE")
	require.NotContains(t, c.Get(t.Context(), keys[0]).Val(), s.ID.String())
}

func TestWhatAnotherRingHasSealedIsRejected(t *testing.T) {
	t.Parallel()
	here, elsewhere := open(t, shared.URL()), open(t, shared.URL())
	s := at(t, uuid.New(), 3)
	save(t, here, s, "saved")
	require.Nil(t, elsewhere.Load(t.Context(), s.ID))
	require.Equal(t, 1, metric(t, elsewhere, "loads_total", "rejected"))
}

func TestARedisThatComesBackIsUsedAgainAndBothAreLoggedOnce(t *testing.T) {
	t.Parallel()
	server, logged := start(t), &log{}
	server.Kill()
	cache := open(t, server.URL(), func(c *rediscache.Config) {
		c.RetryAfter, c.Logger = time.Millisecond, slog.New(slog.NewTextHandler(logged, nil))
	})
	id := uuid.New()
	eventually(t, func() bool {
		require.Nil(t, cache.Load(t.Context(), id))
		return metric(t, cache, "calls_total", "failed") >= 10
	})
	require.Len(t, logged.lines(), 1)
	require.Contains(t, logged.lines()[0], "Redis does not answer")
	require.Contains(t, logged.lines()[0], "connection refused")
	require.NotContains(t, logged.lines()[0], password(t, server))

	require.NoError(t, server.Start())
	eventually(t, func() bool {
		cache.Load(t.Context(), id)
		return metric(t, cache, "breaker_state", "") == 0
	})
	require.Len(t, logged.lines(), 2)
	require.Contains(t, logged.lines()[1], "answers again")
	save(t, cache, at(t, id, 3), "saved")
	require.NotNil(t, cache.Load(t.Context(), id))
}

func password(t *testing.T, server *services.Redis) string {
	t.Helper()
	options, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	require.NotEmpty(t, options.Password)
	return options.Password
}

func TestAWrongPasswordIsLoggedWithoutIt(t *testing.T) {
	t.Parallel()
	logged := &log{}
	server := start(t)
	cache := open(t, strings.Replace(server.URL(), password(t, server), "hunter2", 1), func(c *rediscache.Config) {
		c.Logger = slog.New(slog.NewTextHandler(logged, nil))
	})
	require.Nil(t, cache.Load(t.Context(), uuid.New()))
	require.Len(t, logged.lines(), 1)
	require.Contains(t, logged.lines()[0], "WRONGPASS")
	require.NotContains(t, logged.lines()[0], "hunter2")
}

func TestMoreThanCanBeSavedIsDropped(t *testing.T) {
	t.Parallel()
	server := start(t)
	cache := open(t, server.URL())
	save(t, cache, at(t, uuid.New(), 1), "saved")
	require.NoError(t, server.Pause())
	t.Cleanup(func() { require.NoError(t, server.Resume()) })
	for range 1_024 + 50 { // one of which may be on its way
		cache.Save(at(t, uuid.New(), 1))
	}
	require.GreaterOrEqual(t, metric(t, cache, "saves_total", "dropped"), 49)
}

func TestOfALicenceThatWaitsOnlyTheNewestStateIsSaved(t *testing.T) {
	t.Parallel()
	server := start(t)
	cache := open(t, server.URL())
	id := uuid.New()
	save(t, cache, at(t, id, 1), "saved")
	require.NoError(t, server.Pause())
	states := []*license.Stream{at(t, id, 2), at(t, id, 5), at(t, id, 3)}
	for range 400 {
		for _, s := range states {
			cache.Save(s)
		}
	}
	require.NoError(t, server.Resume())
	eventually(t, func() bool {
		s := cache.Load(t.Context(), id)
		return s != nil && s.StreamState().Revision == 5
	})
	require.Zero(t, metric(t, cache, "saves_total", "dropped"))
}

func TestACallerWhoLeavesSaysNothingAboutRedis(t *testing.T) {
	t.Parallel()
	cache := open(t, shared.URL())
	left, leave := context.WithCancel(t.Context())
	leave()
	for range 20 {
		require.Nil(t, cache.Load(left, uuid.New()))
	}
	require.Zero(t, metric(t, cache, "breaker_state", ""))
	require.Nil(t, cache.Load(t.Context(), uuid.New()))
	require.Equal(t, 1, metric(t, cache, "loads_total", "miss"))
}

func TestAnAnnouncementReachesTheOthersAndNotOneself(t *testing.T) {
	t.Parallel()
	server := start(t)
	here, there := open(t, server.URL()), open(t, server.URL())
	<-here.Announced() // each listens from now on
	<-there.Announced()
	for range 3 {
		here.Announce()
		<-there.Announced()
	}
	eventually(t, func() bool { return metric(t, here, "announcements_total", "own") == 3 })
	select {
	case <-here.Announced():
		t.Fatal("it heard itself")
	default:
	}
	require.Equal(t, 3, metric(t, there, "announcements_total", "heard"))
}

func TestAnInstanceListensAgainWhenRedisIsBack(t *testing.T) {
	t.Parallel()
	server := start(t)
	cache := open(t, server.URL())
	<-cache.Announced()
	server.Kill()
	require.NoError(t, server.Start())
	<-cache.Announced()
}

func TestClosingDoesNotWaitForARedisThatHangs(t *testing.T) {
	t.Parallel()
	server := start(t)
	cache, err := rediscache.Open(server.URL(), rediscache.Config{Sealer: ring(t), Instance: "a", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	<-cache.Announced()
	require.NoError(t, server.Pause())
	t.Cleanup(func() { require.NoError(t, server.Resume()) })
	cache.Save(at(t, uuid.New(), 1))
	cache.Announce()
	require.NoError(t, cache.Close())
}
