package projections_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

func TestMetricsTellPositionLagAndState(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		w.append(productStream, raw(t, "product.registered.v1", `[]`))
		w.happened(licenseStream, issued())
		runner := w.start(w.config(w.projectors()[0], w.projectors()[1]))
		w.caughtUp(licenses.Definition.Name)
		status(t, runner, catalog.Definition.Name, in(store.StateFailed))

		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(runner.Metrics())
		reported := func() error {
			return testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP licenseledger_projection_events_applied_total Events projected since the start.
# TYPE licenseledger_projection_events_applied_total counter
licenseledger_projection_events_applied_total{projection="catalog"} 0
licenseledger_projection_events_applied_total{projection="licenses"} 2
# HELP licenseledger_projection_failures_total Messages that could not be applied since the start.
# TYPE licenseledger_projection_failures_total counter
licenseledger_projection_failures_total{projection="catalog"} 1
licenseledger_projection_failures_total{projection="licenses"} 0
# HELP licenseledger_projection_lag_events Positions between the projection and the head`+
				` of the ledger: events, but on EventStoreDB, where positions have gaps.
# TYPE licenseledger_projection_lag_events gauge
licenseledger_projection_lag_events{projection="catalog"} 2
licenseledger_projection_lag_events{projection="licenses"} 0
# HELP licenseledger_projection_owned 1 while this instance keeps the projection, 0 while another one does.
# TYPE licenseledger_projection_owned gauge
licenseledger_projection_owned{projection="catalog"} 1
licenseledger_projection_owned{projection="licenses"} 1
# HELP licenseledger_projection_position Position in the ledger of the last event that was projected.
# TYPE licenseledger_projection_position gauge
licenseledger_projection_position{projection="catalog"} 0
licenseledger_projection_position{projection="licenses"} 2
# HELP licenseledger_projection_state 1 for the state the projection is in, 0 for the others.
# TYPE licenseledger_projection_state gauge
licenseledger_projection_state{projection="catalog",state="FAILED"} 1
licenseledger_projection_state{projection="catalog",state="REBUILDING"} 0
licenseledger_projection_state{projection="catalog",state="RUNNING"} 0
licenseledger_projection_state{projection="catalog",state="STOPPED"} 0
licenseledger_projection_state{projection="licenses",state="FAILED"} 0
licenseledger_projection_state{projection="licenses",state="REBUILDING"} 0
licenseledger_projection_state{projection="licenses",state="RUNNING"} 1
licenseledger_projection_state{projection="licenses",state="STOPPED"} 0
`))
		}
		// The rows are there a moment before they are counted.
		require.Eventually(t, func() bool { return reported() == nil }, 30*time.Second, time.Millisecond, "%v", reported())
	})
}
