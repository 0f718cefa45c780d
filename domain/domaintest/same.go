// Package domaintest helps tests of all packages that work with the domain.
package domaintest

import (
	"reflect"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// RequireSame fails unless two values are equal, where licences, and what streams remember, are equal if they hold the same. Those of the
// same history may differ in how they are laid out in memory, so [require.Equal] will not do.
func RequireSame(t require.TestingT, expected, actual any, message ...any) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	require.Empty(t, cmp.Diff(expected, actual, everything, cmp.Comparer(sameLicense), cmp.Comparer(sameState)), message...)
}

func sameLicense(a, b *license.Stream) bool {
	if a == nil || b == nil {
		return a == b
	}
	return string(snapshot(a)) == string(snapshot(b))
}

func sameState(a, b event.StreamState) bool {
	return string(stateText(a)) == string(stateText(b))
}

func stateText(s event.StreamState) []byte {
	text, err := s.MarshalJSON()
	if err != nil {
		panic(err) // it has no field that could not be written
	}
	return text
}

func snapshot(s *license.Stream) []byte {
	text, err := license.Snapshot(s)
	if err != nil {
		panic(err) // a test gave it a licence that cannot be written
	}
	return text
}
