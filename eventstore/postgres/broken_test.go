package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/postgres"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

func TestAConnectionThatBreaksInTheMiddleOfAnAppendIsReplaced(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	url, name := named(t, server.URL())
	store := openStore(t, url, postgres.Schema(schema))
	conn := watch(t, server.URL())
	resume := faults{server.URL(), schema}.StallWrites(t)
	events, done := happened(2), make(chan error)
	go func() {
		_, err := store.Append(t.Context(), "license-1", 0, events)
		done <- err
	}()
	await(t, conn, `
		SELECT coalesce(bool_or(pg_terminate_backend(pid)), false)
		  FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`, name)
	require.ErrorIs(t, <-done, eventstore.ErrUnavailable)
	resume()
	require.Empty(t, all(t, store))

	commit, err := store.Append(t.Context(), "license-1", 0, events)
	require.NoError(t, err)
	require.Equal(t, commit.Events[1].Position, commit.Position)
	require.Len(t, all(t, store), 2)
}

func TestAnAppendThatWaitsTooLongForAnotherWriterStoresNothing(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	store := openStore(t, with(t, server.URL(), "lock_timeout", "20ms"), postgres.Schema(schema))
	resume := faults{server.URL(), schema}.StallWrites(t)
	events := happened(1)
	_, err := store.Append(t.Context(), "license-1", 0, events)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.ErrorContains(t, err, "55P03")
	require.Empty(t, all(t, store))
	resume()
	for err != nil { // the other session takes a moment to end
		_, err = store.Append(t.Context(), "license-1", 0, events)
	}
	require.Len(t, all(t, store), 1)
}

func TestAnAppendWhoseAcknowledgementIsLostIsStoredOnceWhenItIsRepeated(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	direct := openStore(t, server.URL(), postgres.Schema(schema))
	wire := startProxy(t, server.URL())
	store := openStore(t, wire.url, postgres.Schema(schema))
	events := happened(3)
	wire.loseNextCommit()
	_, err := store.Append(t.Context(), "license-1", 0, events)
	require.ErrorIs(t, err, eventstore.ErrUnavailable)
	require.ErrorContains(t, err, "the outcome of the commit is unknown")
	stored := all(t, direct)
	require.Len(t, stored, 3)
	_, err = direct.Append(t.Context(), "license-2", 0, happened(1))
	require.NoError(t, err)

	commit, err := store.Append(t.Context(), "license-1", 0, events)
	require.NoError(t, err)
	require.Equal(t, stored, commit.Events)
	require.Len(t, all(t, direct), 4)
}

func TestAnInstanceThatIsCutOffInTheMiddleOfABatchDoesNotHoldUpTheOthersForLong(t *testing.T) {
	t.Parallel()
	schema := server.Schema(t)
	other := openStore(t, server.URL(), postgres.Schema(schema))
	wire := startProxy(t, server.URL())
	store := openStore(t, wire.url, postgres.Schema(schema))
	hushed := wire.hushNextBatch()
	done := make(chan error)
	go func() {
		_, err := store.Append(t.Context(), "license-1", 0, happened(1))
		done <- err
	}()
	<-hushed
	_, err := other.Append(t.Context(), "license-1", 0, happened(1))
	require.NoError(t, err)
	wire.cut()
	require.ErrorIs(t, <-done, eventstore.ErrUnavailable)
	require.Len(t, all(t, other), 1)
}

func TestAReadDoesNotFailBecauseItsConnectionWasBroken(t *testing.T) {
	t.Parallel()
	url, name := named(t, server.URL())
	store := openStore(t, url, postgres.Schema(server.Schema(t)))
	conn := watch(t, server.URL())
	_, err := store.Append(t.Context(), "license-1", 0, happened(3))
	require.NoError(t, err)
	reads := map[string]func() error{
		"the head":   func() error { _, err := store.Head(t.Context()); return err },
		"the ledger": func() error { return readable(store.ReadAll(t.Context(), 0)) },
		"a stream":   func() error { return readable(store.ReadStream(t.Context(), "license-1", 0)) },
		"no stream":  func() error { return readable(store.ReadStream(t.Context(), "license-2", 0)) },
		"an event":   func() error { _, err := store.ReadEvent(t.Context(), 2); return err },
		"the epochs": func() error { _, err := store.Epochs(t.Context()); return err },
		"an export":  func() error { return readable(store.Exports().ReadAll(t.Context(), 0)) },
	}
	for what, read := range reads {
		var connecting sync.WaitGroup
		for range 8 {
			connecting.Go(func() { assert.NoError(t, read(), what) })
		}
		connecting.Wait()
		_, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1`, name)
		require.NoError(t, err)
		require.NoError(t, read(), what)
	}
}

func readable(events iter.Seq2[event.Envelope, error]) error {
	for _, err := range events {
		if err != nil && !errors.Is(err, eventstore.ErrStreamNotFound) {
			return err
		}
	}
	return nil
}

func TestBrokenConnectionsLoseNoAcknowledgedAppend(t *testing.T) {
	t.Parallel()
	url, name := named(t, server.URL())
	conn := watch(t, server.URL())
	disturb(t, url, server.Schema(t), 12, func(int) {
		_, err := conn.Exec(t.Context(),
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, name)
		require.NoError(t, err)
	})
}

func TestACrashedServerLosesNoAcknowledgedAppend(t *testing.T) {
	t.Parallel()
	private, err := services.StartPostgres()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, private.Stop()) })
	disturb(t, private.URL(), "ledger", 4, func(round int) {
		if round%2 == 0 {
			private.Kill()
		} else {
			private.ShutDownImmediately()
		}
		require.NoError(t, private.Start())
	})
}

// disturb lets two instances append and follow while something happens to them, and checks that every append that was
// acknowledged is in the ledger, once and where it was said to be, and that both followers saw all of it.
func disturb(t *testing.T, url, schema string, rounds int, happen func(round int)) {
	t.Helper()
	const instances, clients, appendsPerRound = 2, 6, 60
	d := disturbance{t: t, progress: make(chan struct{}, 1), quiet: make(chan struct{})}
	var writing, following sync.WaitGroup
	followed := make([][]event.Envelope, instances)
	var last *postgres.Store
	for i := range instances {
		store := openStore(t, url, postgres.Schema(schema), postgres.MaxConnections(6))
		last = store
		for client := range clients {
			writing.Go(func() { d.write(store, fmt.Sprintf("license-%d-%d", i, client)) })
		}
		following.Go(func() { followed[i] = d.follow(store) })
	}
	for round := range rounds {
		for range appendsPerRound {
			<-d.progress
		}
		happen(round)
	}
	for range appendsPerRound {
		<-d.progress
	}
	close(d.quiet)
	writing.Wait()
	d.append(last, endStream, 0, happened(1))
	following.Wait()

	ledger := all(t, openStore(t, url, postgres.Schema(schema)))
	revisions, events := map[string]event.Revision{}, 0
	for i, e := range ledger {
		require.Equal(t, event.Position(i+1), e.Position)
		revisions[e.Stream]++
		require.Equal(t, revisions[e.Stream], e.Revision)
	}
	for _, commit := range d.acknowledged {
		first := commit.Events[0].Position - 1
		events += len(commit.Events)
		for i, e := range commit.Events {
			e.RecordedAt = ledger[int(first)+i].RecordedAt
			require.Equal(t, ledger[int(first)+i], e)
		}
	}
	require.Len(t, ledger, events)
	for _, seen := range followed {
		require.Equal(t, ledger, seen)
	}
	t.Logf("%d appends acknowledged, %d failed and repeated", len(d.acknowledged), d.failed)
}

// endStream gets the last event.
const endStream = "end"

type disturbance struct {
	t        *testing.T
	progress chan struct{} // has a token when an append was acknowledged
	quiet    chan struct{} // closed when enough has happened

	mu           sync.Mutex
	acknowledged []eventstore.Commit
	failed       int
}

// write appends to a stream of its own until all is quiet.
func (d *disturbance) write(store *postgres.Store, stream string) {
	for revision := event.Revision(0); ; revision += 2 {
		select {
		case <-d.quiet:
			return
		default:
		}
		if !d.append(store, stream, revision, happened(2)) {
			return
		}
		select {
		case d.progress <- struct{}{}:
		default:
		}
	}
}

// append repeats an append until it is acknowledged.
func (d *disturbance) append(store *postgres.Store, stream string, expected event.Revision, events []event.Pending) bool {
	for {
		commit, err := store.Append(d.t.Context(), stream, expected, events)
		d.mu.Lock()
		if err == nil {
			d.acknowledged = append(d.acknowledged, commit)
			d.mu.Unlock()
			return true
		}
		d.failed++
		d.mu.Unlock()
		if !errors.Is(err, eventstore.ErrUnavailable) {
			d.t.Errorf("%s at %d: %v", stream, expected, err)
			return false
		}
		d.pause()
	}
}

// follow reads everything up to the event of endStream.
func (d *disturbance) follow(store *postgres.Store) (seen []event.Envelope) {
	subscription, err := store.Subscribe(d.t.Context(), 0)
	if err != nil {
		d.t.Error(err)
		return nil
	}
	for len(seen) == 0 || seen[len(seen)-1].Stream != endStream {
		events, err := subscription.Next(d.t.Context(), 1000)
		switch {
		case err == nil:
			seen = append(seen, events...)
		case errors.Is(err, eventstore.ErrUnavailable):
			d.pause()
		default:
			d.t.Error(err)
			return seen
		}
	}
	return seen
}

// pause lets a server that is down get up.
func (d *disturbance) pause() {
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
}
