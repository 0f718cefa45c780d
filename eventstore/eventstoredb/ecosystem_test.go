package eventstoredb_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"
)

func TestEventsAreStoredAsTheDatabasesOwnToolsExpectThem(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	name := "license-" + uuid.NewString()
	events := happened(3)
	events[0].RecordedAt = time.Date(2026, 2, 3, 4, 5, 6, 123_456_000, time.UTC)
	events[0].Metadata = event.Metadata{
		Tenant: "default", Actor: "admin", Correlation: "c-1", Causation: "c-2", CommandID: "c-3", RequestHash: "c-4",
	}
	events[1].Data = []byte("{not JSON}")
	events[2].Data = nil
	_, err := store.Append(t.Context(), name, 0, events)
	require.NoError(t, err)

	stored := connectOther(t, double).read(t, name)
	require.Len(t, stored, 3)
	require.JSONEq(t, `{
		"ledger": "licenseledger/1", "recorded_at": "2026-02-03T04:05:06.123456Z", "$correlationId": "c-1", "$causationId": "c-2",
		"tenant": "default", "actor": "admin", "command_id": "c-3", "request_hash": "c-4"
	}`, string(stored[0].GetCustomMetadata()))
	require.JSONEq(t, `{"ledger": "licenseledger/1", "recorded_at": "0001-01-01T00:00:00Z"}`, string(stored[2].GetCustomMetadata()))
	for i, content := range []string{"application/json", "application/octet-stream", "application/octet-stream"} {
		require.Equal(t, string(events[i].Type), stored[i].GetMetadata()["type"])
		require.Equal(t, content, stored[i].GetMetadata()["content-type"])
		require.Equal(t, string(events[i].Data), string(stored[i].GetData()))
	}
}

func TestWhatOthersWriteIsNotPartOfTheLedger(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store, stranger := openStore(t, double.URL()), connectOther(t, double)
	subscription := openSubscription(t, store)
	stranger.append(t, "order-1", 0, "order.placed", `{"recorded_at":"2026-02-03T04:05:06Z"}`, 1100)
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	require.Zero(t, head)

	events := fill(t, store, "license-1", 2)
	stranger.append(t, "my-links", 0, "$>", `{"ledger":"licenseledger/1"}`, 3)
	stranger.append(t, "order-1", 1100, "order.paid", "not JSON", 1100)
	for range 2 { // the second time it is remembered
		head, err = store.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, events[1].Position, head)
	}
	require.Equal(t, events, all(t, store))
	events = append(events, fill(t, store, "license-2", 2)...)
	head, err = store.Head(t.Context())
	require.NoError(t, err)
	require.Equal(t, events[3].Position, head)
	require.Equal(t, events, all(t, store))
	got, _ := follow(t, subscription, 4)
	require.Equal(t, events, got)
}

func TestAnEventOfSomebodyElseInOurStreamIsDamage(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	events := fill(t, store, "license-1", 2)
	connectOther(t, double).append(t, "license-1", 2, "something", `{}`, 1)
	_, err := collect(store.ReadStream(t.Context(), "license-1", 0))
	require.ErrorIs(t, err, eventstore.ErrDamaged)
	_, err = store.Append(t.Context(), "license-1", 2, happened(1))
	require.ErrorIs(t, err, eventstore.ErrDamaged)
	require.Equal(t, events, all(t, store))
}

func TestMarkedMetadataThatCannotBeReadAreDamage(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	store := openStore(t, double.URL())
	fill(t, store, "license-1", 2)
	connectOther(t, double).append(t, "license-2", 0, "something", `{"ledger":"licenseledger/1","recorded_at":"yesterday"}`, 1)
	fill(t, store, "license-3", 1)
	_, err := collect(store.ReadAll(t.Context(), 0))
	require.ErrorIs(t, err, eventstore.ErrDamaged)
	_, err = collect(store.ReadStream(t.Context(), "license-2", 0))
	require.ErrorIs(t, err, eventstore.ErrDamaged)
	subscription := openSubscription(t, store)
	for err = nil; err == nil; {
		_, err = subscription.Next(t.Context(), 1)
	}
	require.ErrorIs(t, err, eventstore.ErrDamaged)
}

func TestTheDatabasesOwnStreamsAreNotWritten(t *testing.T) {
	t.Parallel()
	store := openStore(t, startDouble(t).URL())
	_, err := store.Append(t.Context(), "$users", 0, happened(1))
	require.ErrorIs(t, err, eventstore.ErrInvalidAppend)
}

func TestLedgersWithDifferentPrefixesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	double := startDouble(t)
	stores, written := map[string]*eventstoredb.Store{}, map[string][]event.Envelope{}
	// One prefix may begin another, and no prefix begins them all.
	for n, prefix := range []string{"", "a-", "b-", "a-b-", "a"} {
		stores[prefix] = openStore(t, double.URL(), eventstoredb.StreamPrefix(prefix))
		written[prefix] = fill(t, stores[prefix], "license-1", n+1)
		require.Equal(t, "license-1", written[prefix][0].Stream)
	}
	for prefix, store := range stores {
		ours := written[prefix]
		require.Equal(t, ours, all(t, store), prefix)
		head, err := store.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, ours[len(ours)-1].Position, head, prefix)
		followed, failures := follow(t, openSubscription(t, store), len(ours))
		require.Zero(t, failures, prefix)
		require.Equal(t, ours, followed, prefix)
	}
}
