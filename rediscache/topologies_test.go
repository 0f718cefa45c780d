package rediscache_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/rediscache"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// requireShared wants that what one instance saves another loads, and that they hear of each other.
func requireShared(t *testing.T, url string) {
	t.Helper()
	require.NoError(t, rediscache.Ping(t.Context(), url))
	keys := ring(t)
	one, other := open(t, url, sealedBy(keys)), open(t, url, sealedBy(keys))
	s := at(t, uuid.New(), 3)
	save(t, one, s, "saved")
	domaintest.RequireSame(t, s, other.Load(t.Context(), s.ID))
	eventually(t, func() bool {
		one.Announce()
		select {
		case <-other.Announced():
			return true
		default:
			return false
		}
	})
}

func TestAClusterIsAsGoodAsAServer(t *testing.T) {
	t.Parallel()
	cluster, err := services.StartRedisCluster()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Stop()) })
	requireShared(t, cluster.ClusterURL())
}

func TestASentinelTellsWhereTheServerIs(t *testing.T) {
	t.Parallel()
	master := start(t)
	sentinel, err := services.StartSentinel(master)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sentinel.Stop()) })
	requireShared(t, sentinel.SentinelURL(master))
}
