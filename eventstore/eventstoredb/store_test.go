package eventstoredb_test

import (
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"
	"github.com/licenseledger/licenseledger/eventstore/eventstoretest"
	esdbdouble "github.com/licenseledger/licenseledger/tests/support/services/eventstoredb"
)

// serverVariable names a real server: the connection string of one that may be written to, whose --max-append-size is 16777216.
const serverVariable = "LICENSELEDGER_TEST_EVENTSTOREDB"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStoreKeepsTheContractOverTheDouble(t *testing.T) {
	t.Parallel()
	eventstoretest.Suite(t, openHarness)
}

// A real server is not ours to break: the cases that inject faults are not part of this run, and the double's are.
func TestStoreKeepsTheContractOverARealServer(t *testing.T) {
	t.Parallel()
	url := os.Getenv(serverVariable)
	if url == "" {
		t.Skip("no real server is tested: set " + serverVariable + " to the connection string of one")
	}
	eventstoretest.SuiteWithoutFaults(t, func(t testing.TB) eventstoretest.Harness { return harness(t, url) })
}

func BenchmarkStore(b *testing.B) {
	eventstoretest.Benchmarks(b, func(t testing.TB) eventstoretest.Harness {
		return eventstoretest.Harness{Store: openStore(t, startDouble(t).URL())}
	})
}

func openHarness(t testing.TB) eventstoretest.Harness {
	double := startDouble(t)
	h := harness(t, double.URL())
	h.Faults = faults{double}
	return h
}

func harness(t testing.TB, url string) eventstoretest.Harness {
	// On a server that others use too, each ledger has streams of its own.
	small := []eventstoredb.Option{eventstoredb.QueueCapacity(16), eventstoredb.StreamPrefix("test-" + uuid.NewString() + "-")}
	return eventstoretest.Harness{
		Store:           openStore(t, url, small...),
		Reopen:          func(t testing.TB) eventstore.Store { return openStore(t, url, small...) },
		SparsePositions: true,
	}
}

func startDouble(t testing.TB) *esdbdouble.Server {
	t.Helper()
	double, err := esdbdouble.Start()
	require.NoError(t, err)
	t.Cleanup(double.Stop)
	return double
}

func openStore(t testing.TB, url string, options ...eventstoredb.Option) *eventstoredb.Store {
	t.Helper()
	store, err := eventstoredb.Open(t.Context(), url, options...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// faults breaks a ledger through the double.
type faults struct{ double *esdbdouble.Server }

func (f faults) FailWrites(testing.TB) (restore func()) {
	return f.double.FailAppends(string(eventstoretest.FaultType))
}

func (f faults) StallWrites(testing.TB) (resume func()) { return f.double.StallAppends() }

func (f faults) Damage(_ testing.TB, position event.Position) { f.double.Damage(uint64(position)) }
