package rediscache_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/rediscache"
)

func TestEveryFormOfAURLIsTaken(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://localhost", "redis://ada:hunter2@cache:6379/3", "rediss://:hunter2@cache:6380?skip_verify=true", "redis://cache?pool_size=5",
		"unix:///run/redis.sock", "unix://ada:hunter2@/run/redis.sock?db=2",
		"redis+sentinel://s1:26379?master_name=main&addr=s2:26379&addr=s3:26379&password=hunter2",
		"rediss+sentinel://:hunter2@s1:26379/2?master_name=main",
		"redis+cluster://n1:6379", "rediss+cluster://ada:hunter2@n1:6379?addr=n2:6379&addr=n3:6379",
	} {
		require.NoError(t, rediscache.CheckURL(url), url)
	}
}

func TestAMalformedURLIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "cache:6379", "http://cache", "redis://:hunter2/3@cache", "redis://:hunter2@cache/three", "redis://:hunter2@cache?pool=5",
		"redis://a\x7f:hunter2@b",
		"redis+sentinel://:hunter2@s1:26379", "redis+sentinel://:hunter2@s1:26379?master_name=main&replica_only=true",
		"redis+sentinel://s1?master_name=main&addr=hunter2", "redis+cluster://n1?addr=:hunter2@n2", "redis+hunter2://cache",
		"unix+cluster:///hunter2",
	} {
		err := rediscache.CheckURL(url)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "hunter2")
		_, err = rediscache.Open(url, rediscache.Config{Logger: slog.New(slog.DiscardHandler)})
		require.Error(t, err, url)
	}
}
