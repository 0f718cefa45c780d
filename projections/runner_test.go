package projections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

// raw is an event whose type and bytes no command would write.
func raw(t *testing.T, kind event.Type, data string) event.Pending {
	e := pending(t, issued())
	e.Type, e.Data = kind, []byte(data)
	return e
}

func TestAnUnknownEventStopsEveryProjectionBeforeItAndIsNamed(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(productStream, registered())
		last := w.happened(licenseStream, issued())
		poison := raw(t, "license.teleported.v1", `{}`)
		w.append(licenseStream, poison)
		w.happened(licenseStream, bound(1, 1))
		runner := w.start(w.config())

		for _, name := range all {
			s := status(t, runner, name, in(store.StateFailed))
			require.Equal(t, uint64(last), s.Position, "everything before the event counts")
			require.Equal(t, uint64(2), s.Lag)
			for _, reported := range []string{poison.ID.String(), "license.teleported.v1", "position 3"} {
				require.Contains(t, s.Error, reported)
			}
		}
		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Zero(t, l.SeatsUsed, "nothing after the event counts")
		require.Eventually(t, func() bool {
			stored, err := w.models.Projections(t.Context())
			require.NoError(t, err)
			return !slices.ContainsFunc(stored, func(s store.ProjectionStatus) bool {
				return s.State != store.StateFailed || !strings.Contains(s.Error, poison.ID.String())
			})
		}, 30*time.Second, time.Millisecond, "the control table says so too")
	})
}

func TestAMalformedEventStopsOnlyTheProjectionsThatReadIt(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(productStream, registered())
		w.append(planStream, raw(t, "plan.published.v1", `{"plan_id": 5}`))
		w.happened(licenseStream, issued())
		runner := w.start(w.config())

		w.caughtUp(licenses.Definition.Name, machines.Definition.Name, timeline.Definition.Name)
		s := status(t, runner, catalog.Definition.Name, in(store.StateFailed))
		require.Equal(t, uint64(1), s.Position)
		_, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Equal(t, store.StateRunning, status(t, runner, licenses.Definition.Name, func(store.ProjectionStatus) bool { return true }).State)
	})
}

func TestRowsThatTheDatabaseRejectsArePoison(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		last := w.happened(licenseStream, issued(), bound(1, 1))
		twice := w.happened(license.StreamName(id(77)), issued()) // the same licence in another stream
		w.happened(licenseStream, bound(2, 2))
		runner := w.start(w.config())
		s := status(t, runner, licenses.Definition.Name, in(store.StateFailed))
		require.Equal(t, uint64(last), s.Position)
		require.Contains(t, s.Error, fmt.Sprintf("position %d", twice))
	})
}

func TestAnEventOfALicenseThatNeverWasIsPoison(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, license.Suspended{Reason: "unpaid", SuspendedAt: noon})
		runner := w.start(w.config())
		require.Zero(t, status(t, runner, licenses.Definition.Name, in(store.StateFailed)).Position)
	})
}

func TestPersonalDataThatCannotBeReadStopsTheProjection(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.vault.broken = errors.New("the vault is shut")
		w.happened(licenseStream, issued())
		runner := w.start(w.config())
		require.Contains(t, status(t, runner, licenses.Definition.Name, in(store.StateFailed)).Error, "the vault is shut")
		w.caughtUp(timeline.Definition.Name)
	})
}

func TestAProjectionWaitsForPersonalDataThatCannotBeReadForAWhile(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.vault.breaks(fmt.Errorf("unseal: %w: %w", errAway, context.DeadlineExceeded))
	w.happened(licenseStream, issued())
	runner := w.start(w.config())
	s := status(t, runner, licenses.Definition.Name, func(s store.ProjectionStatus) bool { return s.Error != "" })
	require.Equal(t, store.StateRunning, s.State, s.Error)
	require.Zero(t, s.Position)
	w.vault.breaks(nil)
	w.caughtUp()
	status(t, runner, licenses.Definition.Name, well)
}

// panicking is a projector with a bug.
type panicking struct{ runtime.Projector }

func (panicking) Project(context.Context, event.Event, runtime.Rows) error { panic("no such luck") }

func TestAPanicOfAProjectorIsPoison(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(productStream, registered())
		w.happened(licenseStream, issued())
		projectors := w.projectors()
		projectors[0] = panicking{projectors[0]}
		runner := w.start(w.config(projectors...))
		s := status(t, runner, catalog.Definition.Name, in(store.StateFailed))
		require.Contains(t, s.Error, "no such luck")
		w.caughtUp(licenses.Definition.Name)
	})
}

func TestAFailedProjectionGoesOnAfterARestartWithACure(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.vault.broken = errors.New("the vault is shut")
		w.happened(licenseStream, issued())
		runner := w.start(w.config())
		status(t, runner, licenses.Definition.Name, in(store.StateFailed))
		require.NoError(t, runner.Close())

		w.vault.broken = nil
		runner = w.start(w.config())
		w.caughtUp()
		status(t, runner, licenses.Definition.Name, well)
	})
}

func TestASecondOwnerFencesTheFirst(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		first := w.start(w.config())
		w.caughtUp()
		second := w.start(w.config())
		at := w.happened(licenseStream, bound(1, 1))
		w.caughtUp()

		for _, name := range all {
			s := status(t, first, name, in(store.StateStopped))
			require.Contains(t, s.Error, "taken over")
			// The rows are there a moment before the one who wrote them has heard of it.
			status(t, second, name, func(s store.ProjectionStatus) bool {
				return s.State == store.StateRunning && s.Position == uint64(at)
			})
		}
		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Equal(t, 1, l.SeatsUsed)
		_, err = first.Rebuild(t.Context(), catalog.Definition.Name, nil)
		require.ErrorIs(t, err, runtime.ErrStopped)
	})
}

func TestACrashAmidATransactionLeavesNeitherRowsNorCheckpoint(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		runner := w.start(w.config())
		w.caughtUp()
		db := w.backDoor()
		// The last rows of each transaction fail, when the checkpoint and the rows before are written already.
		broken := map[string]string{licenses.Definition.Name: "UPDATE ON licenses_g1", machines.Definition.Name: "INSERT ON activations_g1",
			timeline.Definition.Name: "INSERT ON timeline_g1"}
		var repair []func()
		for _, on := range broken {
			repair = append(repair, w.fault(db, on))
		}
		w.happened(licenseStream, bound(1, 1), granted(1, noon.Add(day)))
		for name := range broken {
			require.NotEmpty(t, status(t, runner, name, in(store.StateFailed)).Error)
		}
		require.NoError(t, runner.Close())
		stored, err := w.models.Projections(t.Context())
		require.NoError(t, err)
		for _, s := range stored {
			if s.Name == licenses.Definition.Name {
				require.Equal(t, uint64(1), s.Position)
			}
		}
		l, err := licenses.New(w.models).Find(t.Context(), tenant, licenseID)
		require.NoError(t, err)
		require.Zero(t, l.SeatsUsed)
		require.Equal(t, uint64(1), l.Position)

		for _, mended := range repair {
			mended()
		}
		w.start(w.config())
		w.caughtUp()
		requireDerivable(t, w)
		page, err := timeline.New(w.models).OfLicense(t.Context(), tenant, licenseID, store.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, 3, "each event once")
	})
}

func TestALedgerThatIsUnavailableIsTriedAgain(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		store := &flaky{Store: w.store, failures: 3}
		config := w.config()
		config.Store = store
		w.start(config)
		w.caughtUp()
		require.Zero(t, store.left())
	})
}

func TestAReaderWaitsForItsOwnWrite(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.start(w.config())
		for n := 1; n <= 20; n++ {
			stream := license.StreamName(id(n))
			at := w.happened(stream, issued(func(e *license.Issued) { e.LicenseID = id(n) }))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			require.NoError(t, w.models.WaitForPosition(ctx, []string{licenses.Definition.Name}, uint64(at)))
			cancel()
			_, err := licenses.New(w.models).Find(t.Context(), tenant, id(n))
			require.NoError(t, err)
		}
	})
}

func TestARunnerStopsWithoutLosingOrRepeatingAnything(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		const licenses = 60
		for n := 1; n <= licenses; n++ {
			w.happened(license.StreamName(id(n)), issued(func(e *license.Issued) { e.LicenseID = id(n) }), bound(n, 1))
			if n%10 == 0 { // stopped at ten arbitrary moments
				require.NoError(t, w.start(w.config()).Close())
			}
		}
		runner := w.start(w.config())
		w.caughtUp()
		requireDerivable(t, w)
		require.NoError(t, runner.Close())
		require.NoError(t, runner.Close(), "closing again does no harm")
		status(t, runner, catalog.Definition.Name, in(store.StateStopped))
		_, err := runner.Rebuild(t.Context(), catalog.Definition.Name, nil)
		require.ErrorIs(t, err, runtime.ErrStopped)
		require.ErrorIs(t, runner.StartRebuild(catalog.Definition.Name), runtime.ErrStopped)
	})
}

func TestEveryRegisteredEventIsKnownToTheProjectionsThatWantIt(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		registry := w.config().Registry
		for _, kind := range registry.Types() {
			stream := licenseStream
			if strings.HasPrefix(string(kind), "product.") {
				stream = productStream
			} else if strings.HasPrefix(string(kind), "plan.") {
				stream = planStream
			}
			e, err := registry.Decode(event.Envelope{Stream: stream, Pending: event.Pending{ID: uuid.New(), Type: kind, Data: []byte(`{}`)}})
			require.NoError(t, err)
			wanted := 0
			for _, p := range w.projectors() {
				if !p.Wants(kind, stream) {
					continue
				}
				wanted++
				err := p.Project(t.Context(), e, forgiving{})
				require.NotErrorIs(t, err, runtime.ErrPoison, "%s in %s", kind, p.Definition().Name)
			}
			require.Positive(t, wanted, "nobody shows %s", kind)
		}
	})
}

// forgiving takes every change of rows and finds every row.
type forgiving struct{}

func (forgiving) Insert(string, store.Values) error         { return nil }
func (forgiving) Update(string, string, store.Values) error { return nil }
func (forgiving) Text(context.Context, string, string, string) (string, error) {
	return subjectID.String(), nil
}
func (forgiving) Number(context.Context, string, string, string) (int64, error) { return 3, nil }

func TestAnEventInAForeignStreamIsPoison(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		for _, p := range w.projectors() {
			for _, payload := range []event.Payload{license.Suspended{}, activation.Lapsed{}} {
				if !p.Wants(payload.EventType(), "elsewhere-1") {
					continue
				}
				err := p.Project(t.Context(), event.Event{Envelope: event.Envelope{Stream: "elsewhere-1",
					Pending: event.Pending{Type: payload.EventType()}}, Payload: payload}, forgiving{})
				require.ErrorIs(t, err, runtime.ErrPoison)
			}
		}
	})
}

// What a transaction wrote whose answer was lost may make its first event impossible when it is projected once more.
func TestAnEventWhoseRowsAreThereAlreadyIsNoPoison(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.happened(licenseStream, issued())
		runner := w.start(w.config())
		at := w.caughtUp()
		w.execute(w.backDoor(), fmt.Sprintf("UPDATE projections SET position = %d", at+1))
		w.append(licenseStream, raw(t, "license.teleported.v1", `{}`))
		last := w.happened(licenseStream, bound(1, 1))
		for _, name := range all {
			s := status(t, runner, name, func(s store.ProjectionStatus) bool {
				return s.Position == uint64(last) || s.State == store.StateFailed
			})
			require.Equal(t, store.StateRunning, s.State, s.Error)
		}
	})
}
