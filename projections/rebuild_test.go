package projections_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// lively is a ledger with a bit of everything.
func lively(w *fixture) {
	w.happened(productStream, registered())
	w.happened(planStream, published())
	for n := 1; n <= 30; n++ {
		w.happened(license.StreamName(id(n)), issued(func(e *license.Issued) { e.LicenseID = id(n) }), bound(n, 1), granted(n, noon.Add(day)))
	}
}

func TestARebuiltProjectionHasTheSameContent(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		runner := w.start(w.config())
		at := w.caughtUp()
		before := checksums(t, runner, at)
		for _, name := range all {
			var reported []uint64
			rebuilt, err := runner.Rebuild(t.Context(), name, func(done, total uint64) {
				reported = append(reported, done)
				require.Equal(t, uint64(at), total)
			})
			require.NoError(t, err)
			require.Equal(t, runtime.Rebuilt{Generation: 2, Position: at, Checksum: before[name], Replaced: before[name]}, rebuilt)
			require.True(t, rebuilt.Same())
			require.Equal(t, uint64(at), reported[len(reported)-1])
			s := status(t, runner, name, in(store.StateRunning))
			require.Equal(t, int64(2), s.Generation)
			require.Equal(t, before[name], s.Checksum)
			require.Equal(t, uint64(at), s.ChecksumPosition)
		}
		require.Equal(t, before, checksums(t, runner, at))

		// The new tables are the ones that are kept up to date, and the old ones are gone.
		w.happened(license.StreamName(id(1)), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.caughtUp()
		l, err := licenses.New(w.models).Find(t.Context(), tenant, id(1))
		require.NoError(t, err)
		require.Equal(t, licenses.Suspended, l.Status)
		require.Empty(t, w.tablesOf("_g1"))
		requireDerivable(t, w)
	})
}

// paused is a projector that waits in the midst of a rebuild until it may go on.
type paused struct {
	runtime.Projector
	at       event.Position
	reached  chan struct{}
	goOn     chan struct{}
	once     *sync.Once
	armed    func() bool
	failWith error
}

func pausedAt(p runtime.Projector, at event.Position, armed func() bool) *paused {
	return &paused{Projector: p, at: at, reached: make(chan struct{}), goOn: make(chan struct{}), once: &sync.Once{}, armed: armed}
}

func (p *paused) Project(ctx context.Context, e event.Event, rows runtime.Rows) error {
	if e.Position == p.at && p.armed() {
		p.once.Do(func() {
			close(p.reached)
			<-p.goOn
		})
		if p.failWith != nil {
			return p.failWith
		}
	}
	return p.Projector.Project(ctx, e, rows)
}

func TestTheOldTablesServeAndAreKeptUpToDateDuringARebuild(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		var rebuilding atomic.Bool
		p := pausedAt(w.projectors()[1], 5, rebuilding.Load)
		runner := w.start(w.config(p))
		w.caughtUp(licenses.Definition.Name)
		rebuilding.Store(true)
		outcome := make(chan error)
		go func() {
			rebuilt, err := runner.Rebuild(t.Context(), licenses.Definition.Name, nil)
			if err == nil && !rebuilt.Same() {
				err = errors.New("the content is not the same")
			}
			outcome <- err
		}()
		<-p.reached

		s := status(t, runner, licenses.Definition.Name, in(store.StateRebuilding))
		require.NotNil(t, s.Progress)
		require.Positive(t, s.Progress.Total)
		_, err := runner.Rebuild(t.Context(), licenses.Definition.Name, nil)
		require.ErrorIs(t, err, runtime.ErrRebuilding)
		w.happened(license.StreamName(id(1)), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.caughtUp(licenses.Definition.Name)
		l, err := licenses.New(w.models).Find(t.Context(), tenant, id(1))
		require.NoError(t, err)
		require.Equal(t, licenses.Suspended, l.Status)

		close(p.goOn)
		require.NoError(t, <-outcome)
		s = status(t, runner, licenses.Definition.Name, in(store.StateRunning))
		require.Equal(t, int64(2), s.Generation)
		require.Zero(t, s.Lag)
		l, err = licenses.New(w.models).Find(t.Context(), tenant, id(1))
		require.NoError(t, err)
		require.Equal(t, licenses.Suspended, l.Status)
	})
}

// gated is a store whose subscriptions hand out what they have read only when they may.
type gated struct {
	eventstore.Store
	shut atomic.Bool
	read chan struct{} // notified when a subscription has events in hand and waits
	open chan struct{}
}

func (g *gated) Subscribe(ctx context.Context, after event.Position) (eventstore.Subscription, error) {
	s, err := g.Store.Subscribe(ctx, after)
	return &gatedSubscription{s, g}, err
}

type gatedSubscription struct {
	eventstore.Subscription
	gate *gated
}

func (s *gatedSubscription) Next(ctx context.Context, limit int) ([]event.Envelope, error) {
	events, err := s.Subscription.Next(ctx, limit)
	if err == nil && s.gate.shut.Load() {
		s.gate.read <- struct{}{}
		<-s.gate.open
	}
	return events, err
}

func TestEventsThatARebuildWasAheadWithAreNotProjectedTwice(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		store := &gated{Store: w.store, read: make(chan struct{}), open: make(chan struct{})}
		config := w.config(w.projectors()[1])
		config.Store = store
		runner := w.start(config)
		w.caughtUp(licenses.Definition.Name)
		store.shut.Store(true)
		stream := license.StreamName(id(99))
		w.happened(stream, issued(func(e *license.Issued) { e.LicenseID = id(99) }), bound(101, 1))
		<-store.read // the live projection is about to get the events …
		rebuilt, err := runner.Rebuild(t.Context(), licenses.Definition.Name, nil)
		require.NoError(t, err)
		require.Empty(t, rebuilt.Replaced, "the old tables stood elsewhere")
		store.shut.Store(false)
		close(store.open) // … which the new tables hold already

		w.happened(stream, bound(102, 2))
		w.caughtUp(licenses.Definition.Name)
		s := status(t, runner, licenses.Definition.Name, well)
		require.Equal(t, int64(2), s.Generation)
		l, err := licenses.New(w.models).Find(t.Context(), tenant, id(99))
		require.NoError(t, err)
		require.Equal(t, 2, l.SeatsUsed)
	})
}

func TestARebuildThatFailsLeavesTheOldTablesServing(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		var rebuilding atomic.Bool
		p := pausedAt(w.projectors()[1], 5, rebuilding.Load)
		p.failWith = errors.New("a bug")
		close(p.goOn)
		runner := w.start(w.config(p))
		w.caughtUp(licenses.Definition.Name)
		rebuilding.Store(true)
		_, err := runner.Rebuild(t.Context(), licenses.Definition.Name, nil)
		require.ErrorIs(t, err, runtime.ErrPoison)
		require.ErrorContains(t, err, "position 5")

		w.happened(license.StreamName(id(1)), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.caughtUp(licenses.Definition.Name)
		s := status(t, runner, licenses.Definition.Name, in(store.StateRunning))
		require.Equal(t, int64(1), s.Generation)
		require.Empty(t, w.tablesOf("_g2"), "nothing half-built is left")
	})
}

func TestARebuildThatIsCancelledLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		for name, cancelled := range map[string]func(t *testing.T, cancel context.CancelFunc, runner *runtime.Runner, goOn chan struct{}){
			"by its caller": func(_ *testing.T, cancel context.CancelFunc, _ *runtime.Runner, goOn chan struct{}) {
				cancel()
				close(goOn)
			},
			"by the runner's end": func(t *testing.T, _ context.CancelFunc, runner *runtime.Runner, goOn chan struct{}) {
				closed := make(chan error)
				go func() { closed <- runner.Close() }()
				close(goOn)
				require.NoError(t, <-closed)
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t)
				lively(w)
				var rebuilding atomic.Bool
				p := pausedAt(w.projectors()[1], 5, rebuilding.Load)
				runner := w.start(w.config(p))
				w.caughtUp(licenses.Definition.Name)
				rebuilding.Store(true)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				outcome := make(chan runtime.Rebuilt, 1)
				go func() {
					rebuilt, _ := runner.Rebuild(ctx, licenses.Definition.Name, nil)
					outcome <- rebuilt
				}()
				<-p.reached
				cancelled(t, cancel, runner, p.goOn)
				rebuilt := <-outcome
				require.Contains(t, []int64{0, 2}, rebuilt.Generation)
				if rebuilt.Generation == 0 { // the switch may have been quicker
					require.Empty(t, w.tablesOf("_g2"))
				} else {
					require.Empty(t, w.tablesOf("_g1"))
				}
			})
		}
	})
}

func TestWhatAKilledRebuildLeftIsRemovedAtTheNextStart(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		require.NoError(t, w.start(w.config()).Close())
		definition := w.projectors()[1].Definition()
		_, err := w.models.BeginGeneration(t.Context(), definition, "killed", noon)
		require.NoError(t, err)
		require.NotEmpty(t, w.tablesOf("_g2"))
		w.start(w.config())
		w.caughtUp()
		require.Empty(t, w.tablesOf("_g2"))
		requireDerivable(t, w)
	})
}

// renewedProjector is a projector in its next version.
type renewedProjector struct{ runtime.Projector }

func (p renewedProjector) Definition() store.Definition {
	d := p.Projector.Definition()
	d.Version++
	return d
}

func TestAProjectorOfANewVersionRebuildsItsTablesAtTheStart(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		old := w.start(w.config())
		at := w.caughtUp()
		sums := checksums(t, old, at)
		require.NoError(t, old.Close())

		projectors := w.projectors()
		version := projectors[1].Definition().Version
		p := pausedAt(renewedProjector{projectors[1]}, 5, func() bool { return true })
		projectors[1] = p
		runner := w.start(w.config(projectors...))
		<-p.reached
		_, err := licenses.New(w.models).Find(t.Context(), tenant, id(1))
		require.NoError(t, err, "the old tables serve")
		w.happened(license.StreamName(id(1)), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.caughtUp(catalog.Definition.Name, machines.Definition.Name, timeline.Definition.Name)
		close(p.goOn)

		w.caughtUp()
		s := status(t, runner, licenses.Definition.Name, in(store.StateRunning))
		require.Equal(t, version+1, s.Version)
		require.Equal(t, int64(2), s.Generation)
		require.NotEqual(t, sums[licenses.Definition.Name], checksums(t, runner, at+1)[licenses.Definition.Name])
		require.Equal(t, catalog.Definition.Version, status(t, runner, catalog.Definition.Name, in(store.StateRunning)).Version)
		w.happened(license.StreamName(id(2)), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.caughtUp()
		l, err := licenses.New(w.models).Find(t.Context(), tenant, id(2))
		require.NoError(t, err)
		require.Equal(t, licenses.Suspended, l.Status)
	})
}

func TestAProjectorOfANewVersionThatCannotBeBuiltHasFailed(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		old := w.start(w.config())
		w.caughtUp()
		require.NoError(t, old.Close())
		projectors := w.projectors()
		version := projectors[1].Definition().Version
		p := pausedAt(renewedProjector{projectors[1]}, 5, func() bool { return true })
		p.failWith = errors.New("a bug")
		close(p.goOn)
		projectors[1] = p
		runner := w.start(w.config(projectors...))
		s := status(t, runner, licenses.Definition.Name, in(store.StateFailed))
		require.Contains(t, s.Error, "a bug")
		require.Equal(t, version, s.Version, "the old tables serve on")
		w.happened(license.StreamName(id(1)), license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		w.caughtUp(machines.Definition.Name)
		l, err := licenses.New(w.models).Find(t.Context(), tenant, id(1))
		require.NoError(t, err)
		require.Equal(t, licenses.Active, l.Status, "as they were")
	})
}

func TestARebuildRevivesAProjectionThatFailed(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.vault.broken = errors.New("the vault is shut")
		w.happened(licenseStream, issued())
		runner := w.start(w.config())
		status(t, runner, licenses.Definition.Name, in(store.StateFailed))
		w.vault.mu.Lock()
		w.vault.broken = nil
		w.vault.mu.Unlock()
		_, err := runner.Rebuild(t.Context(), licenses.Definition.Name, nil)
		require.NoError(t, err)
		w.happened(licenseStream, bound(1, 1))
		w.caughtUp(licenses.Definition.Name)
		status(t, runner, licenses.Definition.Name, well)
	})
}

func TestAnUnknownProjectionCannotBeRebuilt(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		runner := w.start(w.config())
		_, err := runner.Rebuild(t.Context(), "nonsense", nil)
		require.ErrorIs(t, err, runtime.ErrUnknownProjection)
		require.ErrorIs(t, runner.StartRebuild("nonsense"), runtime.ErrUnknownProjection)
		_, _, err = runner.Checksum(t.Context(), "nonsense")
		require.ErrorIs(t, err, runtime.ErrUnknownProjection)
	})
}

func TestARebuildInTheBackgroundTellsItsOutcomeInTheStatus(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		runner := w.start(w.config())
		w.caughtUp()
		require.NoError(t, runner.StartRebuild(timeline.Definition.Name))
		status(t, runner, timeline.Definition.Name, func(s store.ProjectionStatus) bool {
			return s.State == store.StateRunning && s.Generation == 2 && s.Checksum != ""
		})
	})
}
