package projections_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// busyWithTwo starts two rebuilds that stop half-way, so that any other one queues. goOn lets them finish.
func busyWithTwo(t *testing.T, w *fixture) (runner *runtime.Runner, goOn func()) {
	lively(w)
	var rebuilding atomic.Bool
	projectors := w.projectors()
	first, second := pausedAt(projectors[1], 5, rebuilding.Load), pausedAt(projectors[2], 5, rebuilding.Load)
	projectors[1], projectors[2] = first, second
	runner = w.start(w.config(projectors...))
	w.caughtUp()
	rebuilding.Store(true)
	for _, name := range []string{licenses.Definition.Name, machines.Definition.Name} {
		require.NoError(t, runner.StartRebuild(name))
	}
	<-first.reached
	<-second.reached
	return runner, func() { close(first.goOn); close(second.goOn) }
}

func TestARebuildBeyondTheSecondWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		runner, goOn := busyWithTwo(t, w)
		require.NoError(t, runner.StartRebuild(timeline.Definition.Name))
		s := status(t, runner, timeline.Definition.Name, func(s store.ProjectionStatus) bool { return s.Progress != nil && s.Progress.Total > 0 })
		require.Equal(t, store.StateRebuilding, s.State)
		require.Zero(t, s.Progress.Done)
		require.Eventually(t, func() bool {
			return len(w.tablesOf("_g2")) > 0 && reported(t, w, timeline.Definition.Name) == store.StateRebuilding
		},
			30*time.Second, 2*time.Millisecond, "other processes see it too")
		require.ErrorIs(t, runner.StartRebuild(timeline.Definition.Name), runtime.ErrRebuilding)
		query(t, w)

		goOn()
		for _, name := range []string{licenses.Definition.Name, machines.Definition.Name, timeline.Definition.Name} {
			status(t, runner, name, func(s store.ProjectionStatus) bool {
				return s.State == store.StateRunning && s.Generation == 2 && s.Checksum != ""
			})
		}
	})
}

func TestARebuildThatWaitsCanBeGivenUp(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		runner, goOn := busyWithTwo(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		given := make(chan error, 1)
		go func() {
			_, err := runner.Rebuild(ctx, timeline.Definition.Name, nil)
			given <- err
		}()
		status(t, runner, timeline.Definition.Name, in(store.StateRebuilding))
		cancel()
		require.ErrorIs(t, <-given, context.Canceled)
		status(t, runner, timeline.Definition.Name, well)

		go func() {
			_, err := runner.Rebuild(t.Context(), timeline.Definition.Name, nil)
			given <- err
		}()
		status(t, runner, timeline.Definition.Name, in(store.StateRebuilding))
		closed := make(chan error, 1)
		go func() { closed <- runner.Close() }()
		require.ErrorIs(t, <-given, runtime.ErrStopped)
		goOn()
		require.NoError(t, <-closed)
		for _, table := range w.tablesOf("_g2") {
			require.NotContains(t, table, "timeline", "nothing half-built is left")
		}
	})
}

// reported is the state of a projection as any process reads it in the database.
func reported(t *testing.T, w *fixture, name string) string {
	t.Helper()
	all, err := w.models.Projections(t.Context())
	require.NoError(t, err)
	for _, p := range all {
		if p.Name == name {
			return p.State
		}
	}
	return ""
}

// Every rebuild and every checksum holds one connection at a time, so one free connection is enough for any number of them.
func TestRebuildsAndChecksumsFinishWithASingleConnectionForSnapshots(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		runner := w.start(w.config())
		at := w.caughtUp()
		for range store.MaxSnapshots - 1 {
			conn, err := w.models.SnapshotConn(t.Context())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
		}
		results := make(chan error)
		for _, name := range all {
			go func() {
				_, err := runner.Rebuild(t.Context(), name, nil)
				results <- err
			}()
			for range 5 {
				go func() {
					_, _, err := runner.Checksum(t.Context(), name)
					results <- err
				}()
			}
		}
		for range 6 * len(all) {
			require.NoError(t, <-results)
		}
		checksums(t, runner, at)
	})
}
