package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

func TestAServerThatCouldLoseAcknowledgedAppendsIsRefused(t *testing.T) {
	t.Parallel()
	careless, err := services.StartPostgres("fsync=off")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, careless.Stop()) })
	for refusal, url := range map[string]string{
		"fsync is off":              careless.URL(),
		"synchronous_commit is off": with(t, server.URL(), "synchronous_commit", "off"),
		"read only connection":      with(t, server.URL(), "default_transaction_read_only", "on"),
	} {
		_, err := postgres.Open(t.Context(), url, postgres.Schema(server.Schema(t)))
		require.ErrorContains(t, err, refusal)
	}
}

func TestAServerThatBecomesCarelessDoesNotMakeTheStoreSo(t *testing.T) {
	t.Parallel()
	private, err := services.StartPostgres()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, private.Stop()) })
	url, name := named(t, private.URL())
	store := openStore(t, url)
	services.Execute(t, private.URL(),
		`CREATE TABLE public.seen (setting text)`,
		`CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS
		 $$ BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$`,
		`CREATE TRIGGER see AFTER INSERT ON licenseledger_ledger.events EXECUTE FUNCTION public.see()`,
		`ALTER SYSTEM SET synchronous_commit = off`,
		`SELECT pg_reload_conf()`)
	conn := watch(t, private.URL())
	await(t, conn, `SELECT current_setting('synchronous_commit') = 'off'`)
	for revision := range event.Revision(20) {
		_, err = store.Append(t.Context(), "license-1", revision, happened(1))
		require.NoError(t, err)
	}
	var settings string
	require.NoError(t, conn.QueryRow(t.Context(), `SELECT string_agg(DISTINCT setting, ', ') FROM public.seen`).Scan(&settings))
	require.Equal(t, "on", settings)

	// A new connection sees what was configured, and is refused.
	_, err = conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, name)
	require.NoError(t, err)
	for err = nil; err == nil; {
		_, err = store.Append(t.Context(), "license-2", 0, happened(1))
	}
	_, err = store.Append(t.Context(), "license-3", 0, happened(1))
	require.ErrorContains(t, err, "synchronous_commit is off")
}

func TestADatabaseThatIsNotInUTF8IsRefused(t *testing.T) {
	t.Parallel()
	private, err := services.StartPostgres()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, private.Stop()) })
	services.Execute(t, private.URL(), `CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0`)
	_, err = postgres.Open(t.Context(), with(t, private.URL(), "dbname", "old"))
	require.ErrorContains(t, err, "encoded in LATIN1")
}

func TestErrorsDoNotShowThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://licenses:opensesame@/ledger?host=/nonexistent",
		"postgres://licenses:opensesame%zz@localhost/ledger",
		"postgres://licenses:opensesame@localhost/ledger?sslmode=nonsense",
		"postgres://licenses:opensesame@localhost:port/ledger",
		"postgres://licenses:opensesame/@localhost/ledger",
		"postgres://licenses:open#sesame@localhost/ledger",
		"host=/nonexistent user=licenses password=opensesame sslmode=nonsense",
		"host=/nonexistent user=licenses password = 'opensesame' port=x",
	} {
		_, err := postgres.Open(t.Context(), url)
		require.ErrorContains(t, err, "open the ledger in PostgreSQL")
		require.NotContains(t, err.Error(), "opensesame")
		require.NotContains(t, err.Error(), "open#sesame")
	}
}

func TestInstancesThatStartTogetherMakeTheLedgerOnce(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	stores, errs := make([]*postgres.Store, 5), make([]error, 5)
	var group sync.WaitGroup
	for i := range stores {
		group.Go(func() { stores[i], errs[i] = postgres.Open(t.Context(), server.URL(), postgres.Schema(schema)) })
	}
	group.Wait()
	for i, store := range stores {
		require.NoError(t, errs[i])
		_, err := store.Append(t.Context(), "license", 0, happened(1))
		require.Equal(t, i == 0, err == nil, "%v", err)
		require.NoError(t, store.Close())
	}
}

func TestAPreparedSchemaNeedsNoRightToMakeOne(t *testing.T) {
	t.Parallel()
	private, err := services.StartPostgres()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, private.Stop()) })
	services.Execute(t, private.URL(),
		`CREATE ROLE modest LOGIN`, `CREATE SCHEMA "A ""ledger""; --" AUTHORIZATION modest`)
	url := with(t, private.URL(), "user", "modest")
	store := openStore(t, url, postgres.Schema(`A "ledger"; --`))
	_, err = store.Append(t.Context(), "license-1", 0, happened(1))
	require.NoError(t, err)
	_, err = postgres.Open(t.Context(), url)
	require.ErrorContains(t, err, "make the schema licenseledger_ledger")
}

func TestAStoreOpensNoMoreConnectionsThanItMay(t *testing.T) {
	t.Parallel()
	url, name := named(t, server.URL())
	_, err := postgres.Open(t.Context(), url, postgres.MaxConnections(2))
	require.ErrorContains(t, err, "at least 5")
	schema := server.Schema(t)
	store := openStore(t, url, postgres.Schema(schema), postgres.MaxConnections(5))

	// While another session keeps the events to itself, every connection that can be opened is.
	lock := services.Connect(t, server.URL())
	_, err = lock.Exec(t.Context(), `BEGIN; LOCK TABLE `+schema+`.events`)
	require.NoError(t, err)
	results := make(chan error)
	const reads = 20
	for range reads {
		go func() {
			_, err := store.Head(t.Context())
			results <- err
		}()
		go func() {
			var failed error
			for _, err := range store.Exports().ReadAll(t.Context(), 0) {
				failed = err
			}
			results <- failed
		}()
	}
	go func() {
		_, err := store.Append(t.Context(), "license-1", 0, happened(1))
		results <- err
	}()
	conn := watch(t, server.URL())
	await(t, conn, `
		SELECT count(*) FILTER (WHERE wait_event_type = 'Lock') = 4 AND count(*) FILTER (WHERE query LIKE 'LISTEN%') = 1
		  FROM pg_stat_activity WHERE application_name = $1`, name)
	var connections int
	require.NoError(t, conn.QueryRow(t.Context(),
		`SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, name).Scan(&connections))
	require.Equal(t, 5, connections)
	require.NoError(t, lock.Close(context.WithoutCancel(t.Context())))
	for range 2*reads + 1 {
		require.NoError(t, <-results)
	}
}
