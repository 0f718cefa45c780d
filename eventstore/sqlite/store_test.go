package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/eventstore/eventstoretest"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

func BenchmarkStore(b *testing.B) {
	eventstoretest.Benchmarks(b, func(t testing.TB) eventstoretest.Harness {
		store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		return eventstoretest.Harness{Store: store}
	})
}
