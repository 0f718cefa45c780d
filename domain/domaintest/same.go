// Package domaintest helps tests of all packages that work with the domain.
package domaintest

import (
	"reflect"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/license"
)

// RequireSame fails unless two values are equal, where licences are equal if they hold the same. Two licences of the same history may
// differ in how their machines are laid out in memory, so [require.Equal] will not do.
func RequireSame(t require.TestingT, expected, actual any, message ...any) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	require.Empty(t, cmp.Diff(expected, actual, everything, cmp.Comparer(sameLicense)), message...)
}

func sameLicense(a, b *license.Stream) bool {
	if a == nil || b == nil {
		return a == b
	}
	return string(snapshot(a)) == string(snapshot(b))
}

func snapshot(s *license.Stream) []byte {
	text, err := license.Snapshot(s)
	if err != nil {
		panic(err) // a test gave it a licence that cannot be written
	}
	return text
}
