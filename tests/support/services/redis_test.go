package services_test

import (
	"context"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/tests/support/services"
)

var shared services.SharedRedis

func TestMain(m *testing.M) { goleak.VerifyTestMain(shared.With(m)) }

// client connects without retries, so that a call answers what the server does now.
func client(t *testing.T, connection string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(connection)
	require.NoError(t, err)
	options.MaxRetries = -1
	c := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func start(t *testing.T) *services.Redis {
	t.Helper()
	server, err := services.StartRedis()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

func TestTheSharedRedisAnswers(t *testing.T) {
	t.Parallel()
	require.NoError(t, client(t, shared.URL()).Ping(t.Context()).Err())
}

func TestAPrivateRedisAsksForItsPassword(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(start(t).URL())
	require.NoError(t, err)
	u.User = nil
	require.ErrorContains(t, client(t, u.String()).Ping(t.Context()).Err(), "NOAUTH")
}

func TestAKilledRedisComesBackEmptyAtTheSamePlace(t *testing.T) {
	t.Parallel()
	server := start(t)
	c := client(t, server.URL())
	require.NoError(t, c.Set(t.Context(), "a", 1, 0).Err())
	server.Kill()
	require.Error(t, c.Ping(t.Context()).Err())
	require.NoError(t, server.Start())
	require.ErrorIs(t, client(t, server.URL()).Get(t.Context(), "a").Err(), redis.Nil)
}

func TestAPausedRedisIsSilentUntilItIsResumed(t *testing.T) {
	t.Parallel()
	server := start(t)
	options, err := redis.ParseURL(server.URL())
	require.NoError(t, err)
	options.MaxRetries, options.ReadTimeout = -1, 50*time.Millisecond
	c := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.Set(t.Context(), "a", 1, 0).Err())
	require.NoError(t, server.Pause())
	require.ErrorIs(t, c.Get(t.Context(), "a").Err(), os.ErrDeadlineExceeded)
	require.NoError(t, server.Resume())
	require.Equal(t, "1", client(t, server.URL()).Get(context.WithoutCancel(t.Context()), "a").Val(), "it holds what it held")
}
