package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAddressIsBeyondLoopbackUnlessOnlyThisMachineReachesIt(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:8080", "127.1.2.3:1", "[::1]:8080", "localhost:0"} {
		require.False(t, BeyondLoopback(address), address)
	}
	for _, address := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.0.2.1:1", "ledger.example:8080"} {
		require.True(t, BeyondLoopback(address), address)
	}
}

func TestAServerOnAllAddressesIsAskedOnThisMachine(t *testing.T) {
	t.Parallel()
	for address, url := range map[string]string{
		":8080": "http://localhost:8080", "0.0.0.0:8080": "http://localhost:8080", "[::]:8080": "http://localhost:8080",
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:1": "http://[::1]:1", "ledger.example:80": "http://ledger.example:80",
	} {
		require.Equal(t, url, LocalURL(address))
	}
}
