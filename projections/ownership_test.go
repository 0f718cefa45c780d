package projections_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// leased is a runner's configuration on read models that others share. Tests wait for what happens within a lease; how long that
// takes does not matter to them.
func (w *fixture) leased(owner string) runtime.Config {
	c := w.config()
	c.Owner, c.Lease = owner, 250*time.Millisecond
	return c
}

// keeps waits until a runner keeps all projections.
func keeps(t *testing.T, r *runtime.Runner) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, name := range all {
			if !r.Owns(name) {
				return false
			}
		}
		return true
	}, 30*time.Second, 5*time.Millisecond)
}

// number reads one number of the control table.
func (w *fixture) number(query string) (n int) {
	w.t.Helper()
	db, err := sql.Open(w.place.engine, w.place.source)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, db.Close()) }()
	require.NoError(w.t, db.QueryRowContext(w.t.Context(), query).Scan(&n))
	return n
}

func TestALivingOwnerKeepsItsProjections(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		lasting := w.leased("first")
		lasting.Lease = 3 * time.Second // a busy machine must not look like a silent owner
		first := w.start(lasting)
		keeps(t, first)
		waiting := lasting
		waiting.Owner = "second"
		second := w.start(waiting)
		require.Eventually(t, func() bool { return w.number("SELECT MIN(beat) FROM projections") > 8 }, 30*time.Second, 10*time.Millisecond,
			"longer than a lease")
		at := w.happened(licenseStream, bound(1, 1))
		w.caughtUp()
		for _, name := range all {
			require.True(t, first.Owns(name))
			require.False(t, second.Owns(name))
			require.Equal(t, uint64(at), status(t, second, name, in(store.StateRunning)).Position, "everybody can tell where it stands")
		}
		require.Equal(t, 4, w.number("SELECT COUNT(*) FROM projections WHERE owner = 'first' AND epoch = 2"), "nobody has taken them since")
	})
}

func TestAnOwnerThatFellSilentIsReplacedAndCannotWriteAnyMore(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		definitions := map[string]store.Definition{}
		silent := map[string]store.Acquired{}
		for _, p := range w.projectors() {
			d := p.Definition()
			adopted, err := w.models.Acquire(t.Context(), d, "silent", noon)
			require.NoError(t, err)
			definitions[d.Name], silent[d.Name] = d, adopted
		}
		keeps(t, w.start(w.leased("next")))
		w.happened(licenseStream, bound(1, 1))
		w.caughtUp()
		for name, at := range silent {
			_, err := w.models.Apply(t.Context(), at.Checkpoint, store.LastEvent{Position: 1},
				w.models.Changes(definitions[name], at.Checkpoint), noon)
			require.ErrorIs(t, err, store.ErrFenced)
			_, err = w.models.Heartbeat(t.Context(), at.Checkpoint)
			require.ErrorIs(t, err, store.ErrFenced)
			require.ErrorIs(t, w.models.Release(t.Context(), at.Checkpoint), store.ErrFenced)
		}
		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Equal(t, 1, l.SeatsUsed)
	})
}

func TestAnOwnerThatWasReplacedStandsByAndFollowsAgainWhenItIsItsTurn(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		first := w.start(w.leased("first"))
		keeps(t, first)
		other := map[string]store.Acquired{}
		for _, p := range w.projectors() {
			adopted, err := w.models.Acquire(t.Context(), p.Definition(), "other", noon)
			require.NoError(t, err)
			other[adopted.Name] = adopted
		}
		require.Eventually(t, func() bool {
			for _, name := range all {
				if first.Owns(name) {
					return false
				}
			}
			return true
		}, 30*time.Second, time.Millisecond, "it notices")
		w.happened(licenseStream, bound(1, 1))
		keeps(t, first) // the other one falls silent
		w.happened(licenseStream, bound(2, 2))
		w.caughtUp()
		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Equal(t, 2, l.SeatsUsed)
	})
}

func TestAnOwnerThatClosesLeavesItsProjectionsToOthersAtOnce(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		first := w.start(w.leased("first"))
		keeps(t, first)
		require.NoError(t, first.Close())
		require.Zero(t, w.number("SELECT COUNT(*) FROM projections WHERE owner <> ''"))
		second := w.start(w.leased("second"))
		keeps(t, second)
		w.caughtUp()
	})
}

func TestOfSeveralThatStartAtOnceOneKeepsEachProjection(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		runners := []*runtime.Runner{w.start(w.leased("a")), w.start(w.leased("b")), w.start(w.leased("c"))}
		w.happened(licenseStream, bound(1, 1))
		w.caughtUp()
		// One that could not say in time that it is alive takes a moment to notice that another one took over.
		for _, name := range all {
			require.Eventually(t, func() bool {
				owners := 0
				for _, r := range runners {
					if r.Owns(name) {
						owners++
					}
				}
				return owners == 1
			}, 30*time.Second, 10*time.Millisecond, name)
		}
	})
}

func TestARebuildIsBegunByTheOwnerWhoeverIsAskedForIt(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		first := w.start(w.leased("first"))
		keeps(t, first)
		observing := w.leased("observing")
		observing.Standby = true
		observer := w.start(observing)
		require.ErrorIs(t, observer.RequestRebuild(t.Context(), "horoscope"), runtime.ErrUnknownProjection)
		require.NoError(t, observer.RequestRebuild(t.Context(), licenses.Definition.Name))
		s := status(t, observer, licenses.Definition.Name, func(s store.ProjectionStatus) bool {
			return s.Generation == 2 && s.State == store.StateRunning && s.Checksum != ""
		})
		require.Equal(t, uint64(1), s.Position)
		require.True(t, first.Owns(licenses.Definition.Name))
		require.False(t, observer.Owns(licenses.Definition.Name))
	})
}

func TestTablesOfANewerProgramAreLeftToIt(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		newer := w.projectors()[1].Definition()
		newer.Version++
		adopted, err := w.models.Acquire(t.Context(), newer, "newer", noon)
		require.NoError(t, err)
		require.NoError(t, w.models.Release(t.Context(), adopted.Checkpoint))
		old := w.start(w.leased("older"))
		w.caughtUp(catalog.Definition.Name, machines.Definition.Name, timeline.Definition.Name)
		require.Eventually(t, func() bool { return w.number("SELECT MAX(beat) FROM projections") > 10 }, 30*time.Second, 10*time.Millisecond)
		require.False(t, old.Owns(newer.Name))
	})
}
