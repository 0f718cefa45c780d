package postgres_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoretest"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

var server services.Shared

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.With(m)) }

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	eventstoretest.Suite(t, openHarness)
}

func BenchmarkStore(b *testing.B) {
	eventstoretest.Benchmarks(b, func(t testing.TB) eventstoretest.Harness {
		return eventstoretest.Harness{Store: openStore(t, server.URL(), postgres.Schema(server.Schema(t)))}
	})
}

func TestFastExportsKeepNobodyWaiting(t *testing.T) { eventstoretest.FastExports(t, openHarness) }

func openHarness(t testing.TB) eventstoretest.Harness {
	schema := server.Schema(t)
	small := []postgres.Option{
		postgres.Schema(schema), postgres.QueueCapacity(16), postgres.PollInterval(5 * time.Millisecond), postgres.MaxConnections(5),
	}
	return eventstoretest.Harness{
		Store:  openStore(t, server.URL(), small...),
		Reopen: func(t testing.TB) eventstore.Store { return openStore(t, server.URL(), small...) },
		Faults: faults{server.URL(), schema},
	}
}

func openStore(t testing.TB, url string, options ...postgres.Option) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), url, options...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// faults breaks a ledger through a connection of its own.
type faults struct{ url, schema string }

func (f faults) FailWrites(t testing.TB) (restore func()) {
	services.Execute(t, f.url,
		`CREATE FUNCTION `+f.schema+`.fault() RETURNS trigger LANGUAGE plpgsql AS
		 $$ BEGIN RAISE EXCEPTION 'this disk is broken' USING ERRCODE = 'io_error'; END $$`,
		`CREATE TRIGGER fault BEFORE INSERT ON `+f.schema+`.events
		 FOR EACH ROW WHEN (NEW.type = '`+string(eventstoretest.FaultType)+`') EXECUTE FUNCTION `+f.schema+`.fault()`)
	return func() { services.Execute(t, f.url, `DROP FUNCTION `+f.schema+`.fault() CASCADE`) }
}

func (f faults) StallWrites(t testing.TB) (resume func()) {
	conn := services.Connect(t, f.url)
	_, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM `+f.schema+`.ledger_head FOR UPDATE`)
	require.NoError(t, err)
	return func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }
}

func (f faults) Damage(t testing.TB, position event.Position) {
	services.Execute(t, f.url,
		`ALTER TABLE `+f.schema+`.events DISABLE TRIGGER USER`,
		`DELETE FROM `+f.schema+`.events WHERE position = `+strconv.FormatUint(uint64(position), 10))
}
