package projections_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/readmodels"
)

// rounds is how often all projections are rebuilt at once, by engine: a round on PostgreSQL takes ten times as long.
var rounds = map[string]int{"sqlite": 200, "pgx": 10}

func TestQueriesAreAnsweredWithinASecondWhileAllProjectionsAreRebuiltAtOnce(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		w := newWorld(t)
		lively(w)
		runner := w.start(w.config())
		w.caughtUp()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		rebuilds, ctx := errgroup.WithContext(ctx)
		for _, name := range all {
			rebuilds.Go(func() error {
				for range rounds[w.place.engine] {
					if _, err := runner.Rebuild(ctx, name, nil); err != nil {
						return err
					}
				}
				return nil
			})
		}
		done := make(chan error, 1)
		go func() { done <- rebuilds.Wait() }()
		for queries := 0; ; queries++ {
			select {
			case err := <-done:
				require.NoError(t, err)
				require.Positive(t, queries)
				return
			default:
				query(t, w)
			}
		}
	})
}

// query asks for a licence and for where the projections stand, as clients do.
func query(t *testing.T, w *world) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := w.models.License(ctx, tenant, id(1))
	require.NoError(t, err)
	_, err = w.models.Projections(ctx)
	require.NoError(t, err)
	require.NoError(t, w.models.WaitForPosition(ctx, []string{readmodels.Licenses}, 1))
}
