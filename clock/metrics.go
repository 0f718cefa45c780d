package clock

import "github.com/prometheus/client_golang/prometheus"

// Metrics returns a collector of the clock's state, to be registered once.
func (c *Clock) Metrics() prometheus.Collector {
	return &metrics{
		clock: c,
		offset: prometheus.NewDesc("licenseledger_clock_offset_seconds",
			"Seconds by which the wall clock is ahead of elapsed time, or of the ledger's last event if that is later than now.", nil, nil),
		suspect: prometheus.NewDesc("licenseledger_clock_suspect",
			"1 while the clock is suspect and expiries are not recorded, 0 otherwise.", nil, nil),
	}
}

type metrics struct {
	clock           *Clock
	offset, suspect *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.offset
	to <- m.suspect
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	s := m.clock.State()
	suspect := 0.0
	if s.Doubt != "" {
		suspect = 1
	}
	to <- prometheus.MustNewConstMetric(m.offset, prometheus.GaugeValue, s.Offset.Seconds())
	to <- prometheus.MustNewConstMetric(m.suspect, prometheus.GaugeValue, suspect)
}
