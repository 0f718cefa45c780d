package projections_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

func TestBothEnginesHoldTheSame(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	lively(w)
	sums := map[string]map[string]string{}
	for name, place := range engines {
		w.models = place(t).opened(t)
		runner := w.start(w.config())
		at := w.caughtUp()
		sums[name] = checksums(t, runner, at)
		for _, projection := range all {
			rebuilt, err := runner.Rebuild(t.Context(), projection, nil)
			require.NoError(t, err)
			require.Equal(t, sums[name][projection], rebuilt.Checksum)
			require.True(t, rebuilt.Same())
		}
	}
	require.Equal(t, sums["SQLite"], sums["PostgreSQL"])
}

// admin asks what an admin's screens ask, with joins, searches and look-ups.
func admin(ctx context.Context, models *store.DB) error {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	page, err := licenses.New(models).List(ctx, tenant, licenses.Filter{Search: "acme", Product: "acme-cad"}, store.Paging{})
	note(err)
	if len(page.Items) != 30 {
		note(errors.New("licences are missing"))
	}
	plans, err := catalog.New(models).Plans(ctx, tenant, catalog.PlanFilter{Product: "acme-cad"}, store.Paging{})
	note(err)
	if len(plans.Items) != 1 {
		note(errors.New("plans are missing"))
	}
	machines, err := machines.New(models).OfLicense(ctx, tenant, id(7), store.Paging{})
	note(err)
	if len(machines.Items) != 1 || machines.Items[0].Activation == nil {
		note(errors.New("machines are missing"))
	}
	entries, err := timeline.New(models).OfLicense(ctx, tenant, id(7), store.Paging{})
	note(err)
	if len(entries.Items) != 3 {
		note(errors.New("entries are missing"))
	}
	return errors.Join(errs...)
}

func TestQueriesOfAnotherProcessGoOnThroughEverySwitch(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		runner := w.start(w.config())
		w.caughtUp()
		elsewhere := w.place.opened(t)
		require.NoError(t, admin(t.Context(), elsewhere))
		rebuilt := make(chan struct{})
		asked := make(chan error, 4)
		for range cap(asked) {
			go func() {
				for {
					if err := admin(t.Context(), elsewhere); err != nil {
						asked <- err
						return
					}
					select {
					case <-rebuilt:
						asked <- nil
						return
					default:
					}
				}
			}()
		}
		for range 3 {
			for _, name := range all {
				outcome, err := runner.Rebuild(t.Context(), name, nil)
				require.NoError(t, err)
				require.True(t, outcome.Same())
			}
		}
		close(rebuilt)
		for range cap(asked) {
			require.NoError(t, <-asked)
		}
	})
}

// grow appends n licences with a machine each.
func grow(w *fixture, from, n int) {
	for i := from; i < from+n; i++ {
		w.happened(license.StreamName(id(i)), issued(func(e *license.Issued) { e.LicenseID = id(i) }), bound(i, 1), granted(i, noon.Add(day)))
	}
}

func TestProjectionsGoOnWhenTheirConnectionsAreCut(t *testing.T) {
	t.Parallel()
	w := newFixtureIn(t, postgresDatabase)
	runner := w.start(w.config())
	for round := range 20 {
		grow(w, 100*round+1, 20)
		services.Execute(t, postgres.URL(),
			`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '`+w.place.schema+`'`)
		_, err := licenses.New(w.models).List(t.Context(), tenant, licenses.Filter{}, store.Paging{})
		require.NoError(t, err, "a query is repeated")
	}
	require.Equal(t, w.caughtUp(), w.caughtUp())
	for _, name := range all {
		status(t, runner, name, well)
	}
	requireDerivable(t, w)
}

func TestProjectionsGoOnWhenTheServerIsRestarted(t *testing.T) {
	t.Parallel()
	server, err := services.StartPostgres()
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Stop()) }()
	w := newFixtureIn(t, func(testing.TB) database { return schemaAt(server.URL(), "readmodels") })
	runner := w.start(w.config())
	for round := range 2 {
		grow(w, 100*round+1, 30)
		if round%2 == 0 {
			server.ShutDownImmediately()
		} else {
			server.Kill()
		}
		grow(w, 100*round+50, 30)
		require.NoError(t, server.Start())
		_, err := licenses.New(w.models).List(t.Context(), tenant, licenses.Filter{}, store.Paging{})
		require.NoError(t, err, "a query is repeated")
	}
	w.caughtUp()
	for _, name := range all {
		status(t, runner, name, well)
	}
	requireDerivable(t, w)
	require.NoError(t, errors.Join(runner.Close(), w.models.Close()))
}

func TestAProjectionFollowsItsCheckpointWhereTheDatabaseHasIt(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		grow(w, 1, 5)
		runner := w.start(w.config())
		w.caughtUp()
		// As after a failover to a server that had not heard of the last transactions.
		db := w.backDoor()
		w.execute(db, `DELETE FROM timeline_g1 WHERE position > 7`)
		w.execute(db, `DELETE FROM timeline_seats_g1 WHERE issued_position > 7`)
		w.execute(db, `UPDATE projections SET position = 7 WHERE name = 'timeline'`)
		grow(w, 6, 1)
		w.caughtUp()
		status(t, runner, timeline.Definition.Name, func(s store.ProjectionStatus) bool { return s.Lag == 0 && s.Error == "" })
		requireDerivable(t, w)
	})
}
