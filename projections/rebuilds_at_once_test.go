package projections_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/readmodels/licenses"
)

// rounds is how often all projections are rebuilt at once, by engine: a round on PostgreSQL takes ten times as long. The race
// detector makes each several times slower; `make test` runs this test without it too.
func rounds(engine string) int {
	all := map[string]int{"sqlite": 200, "pgx": 20}[engine]
	if raceEnabled {
		return all / 10
	}
	return all
}

func TestQueriesAreAnsweredWithinASecondWhileAllProjectionsAreRebuiltAtOnce(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		lively(w)
		runner := w.start(w.config())
		w.caughtUp()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		rebuilds, ctx := errgroup.WithContext(ctx)
		for _, name := range all {
			rebuilds.Go(func() error {
				for range rounds(w.place.engine) {
					if _, err := runner.Rebuild(ctx, name, nil); err != nil {
						return err
					}
				}
				return nil
			})
		}
		done := make(chan error, 1)
		go func() { done <- rebuilds.Wait() }()
		var took []time.Duration
		for {
			select {
			case err := <-done:
				require.NoError(t, err)
				slices.Sort(took)
				require.Less(t, took[len(took)/2], time.Second)
				return
			case <-time.After(5 * time.Millisecond):
				took = append(took, query(t, w))
			}
		}
	})
}

// query asks for a licence and for where the projections stand, as clients do, and returns how long that took. Queries that wait for a
// connection that a rebuild never gives back are not answered at all.
func query(t *testing.T, w *fixture) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := licenses.New(w.models).Find(ctx, tenant, id(1))
	require.NoError(t, err)
	_, err = w.models.Projections(ctx)
	require.NoError(t, err)
	require.NoError(t, w.models.WaitForPosition(ctx, []string{licenses.Definition.Name}, 1))
	return time.Since(began)
}
