package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/projections/runtime"
	readcatalog "github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// frozen is an event of a newer version, which reads it as a suspension.
const frozen event.Type = "license.frozen.v1"

// newerVersion is the registry of a version that knows frozen.
func newerVersion() *event.Registry {
	return event.NewRegistry(catalog.Events(), license.Events(), binding.Events(), activation.Events(), []event.Registration{
		event.Superseded(frozen, "license.suspended.v1", func(data []byte) ([]byte, error) { return data, nil }),
	})
}

// freeze appends the newer version's event, and returns its position.
func (w *fixture) freeze(t *testing.T) event.Position {
	t.Helper()
	return w.append(licenseStream, raw(t, frozen, `{"reason": "cold", "suspended_at": "2026-03-03T12:00:00Z"}`))
}

func TestAnInstanceOfANewerVersionTakesOverWhereAnOlderOneCannotGoOn(t *testing.T) {
	t.Parallel()
	w := newFixtureIn(t, postgresDatabase)
	w.happened(productStream, registered())
	last := w.happened(licenseStream, issued())
	w.freeze(t)
	first, second := w.start(w.leased("old 1")), w.start(w.leased("old 2"))
	for _, name := range all {
		for _, old := range []*runtime.Runner{first, second} {
			require.Equal(t, uint64(last), status(t, old, name, in(store.StateFailed)).Position)
		}
	}
	require.Eventually(t, func() bool { return w.number("SELECT COUNT(*) FROM projections WHERE owner = ''") == len(all) }, 30*time.Second,
		5*time.Millisecond)
	require.LessOrEqual(t, w.number("SELECT MAX(epoch) FROM projections"), 3, "each of the two tried once")
	require.True(t, first.Owns(licenses.Definition.Name) || second.Owns(licenses.Definition.Name),
		"somebody goes on to record what time brings about")

	config := w.leased("new")
	config.Registry = newerVersion()
	newer := w.start(config)
	keeps(t, newer)
	w.caughtUp()
	for _, name := range all {
		status(t, first, name, well)
		require.NoError(t, first.Health(t.Context(), name))
		require.NoError(t, newer.Health(t.Context(), name))
	}
	require.Eventually(t, func() bool { return !first.Owns(licenses.Definition.Name) && !second.Owns(licenses.Definition.Name) },
		30*time.Second, 5*time.Millisecond)
	l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
	require.NoError(t, err)
	require.Equal(t, "SUSPENDED", l.Status)
}

func TestAfterAnUpgradeAProjectionGoesOnByItself(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(productStream, registered())
		w.happened(licenseStream, issued())
		w.freeze(t)
		older := w.start(w.config())
		for _, name := range all {
			status(t, older, name, in(store.StateFailed))
		}
		require.NoError(t, older.Close())
		config := w.config()
		config.Registry = newerVersion()
		newer := w.start(config)
		w.caughtUp()
		for _, name := range all {
			status(t, newer, name, well)
		}
	})
}

func TestNobodyWaitsForAProjectionThatHasFailed(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		last := w.happened(licenseStream, issued())
		newer := w.freeze(t)
		runner := w.start(w.config())
		for _, name := range all {
			status(t, runner, name, in(store.StateFailed))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, runner.Await(ctx, all, uint64(last)), "what is there is there")
		began := time.Now()
		waiting := make(chan error, 20)
		for range cap(waiting) {
			go func() { waiting <- runner.Await(ctx, []string{licenses.Definition.Name}, uint64(newer)) }()
		}
		for range cap(waiting) {
			var unknown *event.UnknownTypeError
			require.ErrorAs(t, <-waiting, &unknown)
			require.Equal(t, frozen, unknown.Type)
			require.Equal(t, newer, unknown.Position)
		}
		require.Less(t, time.Since(began), 10*time.Second)
		require.ErrorIs(t, runner.Health(t.Context(), licenses.Definition.Name), event.ErrUnknownType)
	})
}

func TestAProjectionThatFailedForAnotherReasonSaysSo(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	at := w.append(planStream, raw(t, "plan.published.v1", `{"plan_id": 5}`))
	runner := w.start(w.config())
	status(t, runner, readcatalog.Definition.Name, in(store.StateFailed))
	require.ErrorIs(t, runner.Await(t.Context(), all, uint64(at)), runtime.ErrFailed)
	require.NoError(t, runner.Health(t.Context(), licenses.Definition.Name))
	require.ErrorIs(t, runner.Health(t.Context(), "nothing"), runtime.ErrUnknownProjection)
}

func TestAnOlderVersionTakesTablesOfANewerOneOnlyIfAskedToRebuildThem(t *testing.T) {
	t.Parallel()
	w := newFixtureIn(t, postgresDatabase)
	w.happened(licenseStream, issued())
	filled := w.start(w.leased("new"))
	keeps(t, filled)
	w.caughtUp()
	require.NoError(t, filled.Close())
	db := w.backDoor()
	w.execute(db, `UPDATE projections SET version = version + 1 WHERE name = 'licenses'`)

	older := w.start(w.leased("old"))
	require.Eventually(t, func() bool { return older.Owns(readcatalog.Definition.Name) }, 30*time.Second, 5*time.Millisecond)
	require.ErrorIs(t, older.Health(t.Context(), licenses.Definition.Name), runtime.ErrNewerTables)
	require.False(t, older.Owns(licenses.Definition.Name))
	require.NoError(t, older.RequestRebuild(t.Context(), licenses.Definition.Name))
	require.Eventually(t, func() bool { return older.Owns(licenses.Definition.Name) }, 30*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool { return older.Health(t.Context(), licenses.Definition.Name) == nil }, 30*time.Second,
		5*time.Millisecond)
	w.happened(licenseStream, bound(1, 1))
	w.caughtUp()
}
