package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/groupcommit"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

func TestTheTablesRefuseToChangeOrRemoveWhatWasAppended(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	store := openStore(t, server.URL(), postgres.Schema(schema))
	_, err := store.Append(t.Context(), "license-1", 0, happened(1))
	require.NoError(t, err)
	conn := watch(t, server.URL())
	_, err = conn.Exec(t.Context(), `SET search_path = `+schema)
	require.NoError(t, err)
	for statement, constraint := range map[string]string{
		`UPDATE events SET data = ''`:                "events_are_never_changed_nor_removed",
		`DELETE FROM events`:                         "events_are_never_changed_nor_removed",
		`TRUNCATE events`:                            "events_are_never_changed_nor_removed",
		`UPDATE streams SET name = 'license-2'`:      "streams_are_never_changed_nor_removed",
		`DELETE FROM streams`:                        "streams_are_never_changed_nor_removed",
		`TRUNCATE streams`:                           "streams_are_never_changed_nor_removed",
		`DELETE FROM ledger_head`:                    "the_ledger_head_is_never_changed_nor_removed",
		`TRUNCATE ledger_head`:                       "the_ledger_head_is_never_changed_nor_removed",
		`INSERT INTO ledger_head (id) VALUES (NULL)`: "the_ledger_head_is_never_changed_nor_removed",
	} {
		_, err := conn.Exec(t.Context(), statement)
		var refused *pgconn.PgError
		require.ErrorAs(t, err, &refused, statement)
		require.Equal(t, "23001", refused.Code, statement)
		require.Equal(t, constraint, refused.ConstraintName, statement)
	}
	require.Len(t, all(t, store), 1)
}

func TestWhatIsNotTextIsRefusedByItself(t *testing.T) {
	t.Parallel()
	store := openStore(t, server.URL(), postgres.Schema(server.Schema(t)))
	for _, bad := range []string{"a\x00b", "\xff\xfe", "\xed\xa0\x80"} {
		for what, set := range map[string]func(*event.Pending){
			"type":        func(e *event.Pending) { e.Type = event.Type(bad) },
			"tenant":      func(e *event.Pending) { e.Tenant = bad },
			"actor":       func(e *event.Pending) { e.Actor = bad },
			"correlation": func(e *event.Pending) { e.Correlation = bad },
			"causation":   func(e *event.Pending) { e.Causation = bad },
			"command id":  func(e *event.Pending) { e.CommandID = bad },
			"hash":        func(e *event.Pending) { e.RequestHash = bad },
		} {
			events := happened(2)
			set(&events[1])
			_, err := store.Append(t.Context(), "license-1", 0, events)
			require.ErrorIs(t, err, eventstore.ErrInvalidAppend, what)
		}
		_, err := store.Append(t.Context(), bad, 0, happened(1))
		require.ErrorIs(t, err, eventstore.ErrInvalidAppend)
		for _, after := range []event.Revision{0, 1} {
			for _, err := range store.ReadStream(t.Context(), bad, after) {
				require.ErrorIs(t, err, eventstore.ErrStreamNotFound)
			}
		}
	}
	together := []groupcommit.Append{{Stream: "license-1", Events: happened(1)}, {Stream: "a\x00b", Events: happened(1)}}
	require.ErrorIs(t, store.AppendInOrder(t.Context(), together), eventstore.ErrInvalidAppend)
	_, err := store.Append(t.Context(), strings.Repeat("n", 1025), 0, happened(1))
	require.ErrorIs(t, err, eventstore.ErrInvalidAppend)
	_, err = store.Append(t.Context(), strings.Repeat("n", 1024), 0, happened(1))
	require.NoError(t, err)
	require.Len(t, all(t, store), 1)
}

func TestAnAppendWakesSubscriptionsOfAllInstancesWithoutAPoll(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	one := openStore(t, server.URL(), postgres.Schema(schema), postgres.PollInterval(24*time.Hour))
	other := openStore(t, server.URL(), postgres.Schema(schema), postgres.PollInterval(24*time.Hour))
	var subscriptions []eventstore.Subscription
	for _, store := range []eventstore.Store{one, other} {
		subscription, err := store.Subscribe(t.Context(), 0)
		require.NoError(t, err)
		subscriptions = append(subscriptions, subscription)
	}
	for n := range 50 {
		seen := make(chan error)
		for _, subscription := range subscriptions {
			go func() {
				_, err := subscription.Next(t.Context(), 1)
				seen <- err
			}()
		}
		_, err := one.Append(t.Context(), "license-1", event.Revision(n), happened(1))
		require.NoError(t, err)
		for range subscriptions {
			require.NoError(t, <-seen)
		}
	}
}

func TestEveryQueryWalksAlongAnIndex(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	conn := watch(t, server.URL())
	scans := func(use func(*postgres.Store)) (sequential, index int) {
		url, name := named(t, server.URL())
		store, err := postgres.Open(t.Context(), url, postgres.Schema(schema))
		require.NoError(t, err)
		use(store)
		require.NoError(t, store.Close())
		// A connection reports what it did before it is gone.
		await(t, conn, `SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = $1`, name)
		require.NoError(t, conn.QueryRow(t.Context(), `
			SELECT sum(seq_scan), sum(idx_scan) FROM pg_stat_user_tables
			 WHERE schemaname = $1 AND relname IN ('events', 'streams')`, schema).Scan(&sequential, &index))
		return sequential, index
	}
	scans(func(store *postgres.Store) {
		_, err := store.Append(t.Context(), "license-0", 0, happened(1))
		require.NoError(t, err)
	})
	// Statistics of a ledger this small speak for reading all of it.
	services.Execute(t, server.URL(), `ANALYZE `+schema+`.events, `+schema+`.streams`)
	before, _ := scans(func(*postgres.Store) {})
	after, index := scans(func(store *postgres.Store) {
		for i := range event.Revision(20) { // plans are cached after a few executions
			events := happened(3)
			for range 2 {
				_, err := store.Append(t.Context(), "license-1", 3*i, events)
				require.NoError(t, err)
			}
			_, err := store.Append(t.Context(), "license-1", 0, happened(1))
			require.ErrorIs(t, err, eventstore.ErrWrongExpectedRevision)
			for after, left := range map[event.Revision]int{0: 3*int(i) + 3, 3*i + 3: 0} {
				for _, err := range store.ReadStream(t.Context(), "license-1", after) {
					require.NoError(t, err)
					left--
				}
				require.Zero(t, left)
			}
			require.Len(t, all(t, store), 3*int(i)+4)
		}
	})
	require.Equal(t, before, after)
	require.Greater(t, index, 100)
}

func TestWhatWasWrittenWithoutTheLockIsReportedAsDamage(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	store := openStore(t, server.URL(), postgres.Schema(schema))
	_, err := store.Append(t.Context(), "license-1", 0, happened(2))
	require.NoError(t, err)
	services.Execute(t, server.URL(), `
		INSERT INTO `+schema+`.events
		SELECT position + 5, stream, revision + 1, recorded_at, id, type, tenant, actor, correlation, causation, command_id, request_hash, data
		  FROM `+schema+`.events WHERE revision = 2`)
	var failed error
	read := 0
	for _, err := range store.ReadAll(t.Context(), 0) {
		if failed = err; err == nil {
			read++
		}
	}
	require.ErrorIs(t, failed, eventstore.ErrDamaged)
	require.False(t, errors.Is(failed, eventstore.ErrUnavailable))
	require.LessOrEqual(t, read, 2)
}
