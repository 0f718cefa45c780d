package rediscache_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/rediscache"
)

func in(namespace string) func(*rediscache.Config) {
	return func(c *rediscache.Config) { c.Namespace = namespace }
}

func TestLedgersThatShareARedisDoNotMeet(t *testing.T) {
	t.Parallel()
	server, k := start(t), ring(t) // even with the same keys
	spaces := []string{"", "one", "two"}
	caches := map[string]*rediscache.Cache{}
	for _, space := range spaces {
		caches[space] = open(t, server.URL(), sealedBy(k), in(space))
		<-caches[space].Announced() // it listens from now on
	}
	id := uuid.New()
	for n, space := range spaces {
		save(t, caches[space], at(t, id, n+1), "saved")
	}
	for n, space := range spaces {
		loaded := caches[space].Load(t.Context(), id)
		require.NotNil(t, loaded, space)
		require.EqualValues(t, n+1, loaded.StreamState().Revision, space)
	}
	keys, err := client(t, server.URL()).Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, len(spaces))

	// What one has sealed means nothing under another's key.
	values := client(t, server.URL())
	of := func(space string) string {
		return keys[slices.IndexFunc(keys, func(key string) bool { return strings.HasPrefix(key, "licenseledger:"+space+":license:") })]
	}
	require.NoError(t, values.Copy(t.Context(), of("one"), of("two"), 0, true).Err())
	require.Nil(t, caches["two"].Load(t.Context(), id))

	// An announcement is heard where it belongs and nowhere else: what is heard elsewhere is the announcement that follows.
	for _, space := range []string{"one", "", "two"} {
		neighbor := open(t, server.URL(), sealedBy(k), in(space))
		<-neighbor.Announced()
		neighbor.Announce()
		<-caches[space].Announced()
		require.Equal(t, 1, metric(t, caches[space], "announcements_total", "heard"), space)
	}
}
