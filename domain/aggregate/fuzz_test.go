package aggregate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/aggregate"
)

// FuzzSplit feeds names to the parser of stream names: what it accepts has one prefix and one id, which make the same name again.
func FuzzSplit(f *testing.F) {
	const id = "01a21801-f310-7d56-89f9-eaa36ed1f36b"
	for _, name := range []string{"license-" + id, "api-key-" + id, id, "license-", "license-" + id + "x", "",
		"license-01A21801-F310-7D56-89F9-EAA36ED1F36B"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		prefix, id, ok := aggregate.Split(name)
		if !ok {
			return
		}
		require.Equal(t, name, prefix.Stream(id))
		same, ok := prefix.ID(name)
		require.True(t, ok)
		require.Equal(t, id, same)
		_, ok = (prefix + "x-").ID(name)
		require.False(t, ok, "the name has no other prefix")
	})
}
