package runtime

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// scrapeTimeout bounds how long a scrape waits for the head of the ledger.
const scrapeTimeout = time.Second

// Metrics returns a collector of the projections' positions, lags, states and counts, to be registered once.
func (r *Runner) Metrics() prometheus.Collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("licenseledger_projection_"+name, help, append([]string{"projection"}, labels...), nil)
	}
	return &metrics{
		runner:   r,
		position: describe("position", "Position in the ledger of the last event that was projected."),
		lag: describe("lag_events",
			"Positions between the projection and the head of the ledger: events, but on EventStoreDB, where positions have gaps."),
		state:    describe("state", "1 for the state the projection is in, 0 for the others.", "state"),
		owned:    describe("owned", "1 while this instance keeps the projection, 0 while another one does."),
		applied:  describe("events_applied_total", "Events projected since the start."),
		failures: describe("failures_total", "Messages that could not be applied since the start."),
	}
}

type metrics struct {
	runner                                         *Runner
	owned, position, lag, state, applied, failures *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.owned, m.position, m.lag, m.state, m.applied, m.failures} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	head, err := m.runner.Store.Head(ctx)
	for _, w := range m.runner.workers {
		s, own := w.status(uint64(head))
		to <- prometheus.MustNewConstMetric(m.owned, prometheus.GaugeValue, map[bool]float64{true: 1}[own], s.Name)
		if !own {
			continue // its owner exports these metrics
		}
		gauge := func(d *prometheus.Desc, value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{s.Name}, labels...)...)
		}
		gauge(m.position, float64(s.Position))
		if err == nil { // without the head the lag is unknown; 0 would be wrong
			gauge(m.lag, float64(s.Lag))
		}
		for _, state := range []string{store.StateRunning, store.StateRebuilding, store.StateFailed, store.StateStopped} {
			gauge(m.state, map[bool]float64{true: 1}[s.State == state], state)
		}
		to <- prometheus.MustNewConstMetric(m.applied, prometheus.CounterValue, float64(w.applied.Load()), s.Name)
		to <- prometheus.MustNewConstMetric(m.failures, prometheus.CounterValue, float64(w.failures.Load()), s.Name)
	}
}
