package keyring_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/machine"
)

func TestComponentsAreHashedPerTenantAndKind(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	components := machine.Components{machine.CPU: {"serial"}, machine.Board: {"serial"}, machine.MAC: {"aa", "bb", "cc"}, machine.Disk: {}}
	hashes := k.HashComponents("default", components)

	require.Len(t, hashes, 3, "a kind without values is left out")
	require.NotEqual(t, hashes[machine.CPU], hashes[machine.Board])
	require.Len(t, hashes[machine.MAC], 3)
	require.True(t, slices.IsSorted(hashes[machine.MAC]))
	for _, values := range hashes {
		for _, v := range values {
			require.Regexp(t, `^[0-9a-f]{32}$`, v)
		}
	}
	require.Equal(t, hashes, k.HashComponents("default", components))
	require.NotEqual(t, hashes, k.HashComponents("other", components))
	require.NotEqual(t, hashes, newRing(t, sqlite, 2).HashComponents("default", components))
	require.Equal(t, machine.Score{Matched: 3, Of: 3}, machine.Compare(hashes, k.HashComponents("default", components)))
}

func TestTheFormOfHashesIsPinned(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	require.Equal(t, machine.Hashes{machine.CPU: {"cc48ca0dc82559354f7593d83a9f0fc6"}},
		k.HashComponents("default", machine.Components{machine.CPU: {"serial"}}))
	require.Equal(t, "ab1c91b139b50cb0e37dc40ccc265a12", k.HashRequest([]byte("request")))
	require.NotEqual(t, k.HashRequest([]byte("request")), k.HashRequest([]byte("another")))
}
