package rediscache

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// outcome is what became of a load, a save, a call or an announcement.
type outcome string

const (
	hit      outcome = "hit"
	missed   outcome = "miss"
	rejected outcome = "rejected" // not sealed by one of ours, or of another format

	stores   outcome = "saved"
	outdated outcome = "outdated" // a newer one lay there
	dropped  outcome = "dropped"  // too many waited, it was too large, or Redis did not answer

	answered outcome = "answered"
	failed   outcome = "failed"
	refused  outcome = "refused" // by the breaker

	heard outcome = "heard"
	own   outcome = "own"
)

type metrics struct {
	loads, saves, calls, announcements *prometheus.CounterVec
	breaker                            prometheus.GaugeFunc
}

func newMetrics(breaker *gobreaker.CircuitBreaker[struct{}]) *metrics {
	counter := func(name, help string, outcomes ...outcome) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "licenseledger_redis_" + name, Help: help}, []string{"outcome"})
		for _, o := range outcomes {
			c.WithLabelValues(string(o)) // shown as 0 before it happens
		}
		return c
	}
	return &metrics{
		loads: counter("loads_total", "Licences looked for in Redis.", hit, missed, rejected),
		saves: counter("saves_total", "Licences to be saved in Redis.", stores, outdated, dropped),
		calls: counter("calls_total", "Calls of Redis; refused are those that the circuit breaker spared.", answered, failed, refused),
		announcements: counter("announcements_total",
			"Announcements heard from other instances, and own ones, which are passed over.", heard, own),
		breaker: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "licenseledger_redis_breaker_state", Help: "0 while Redis is used, 1 while it is tried, 2 while it is left alone.",
		}, func() float64 { return float64(breaker.State()) }),
	}
}

func (m *metrics) loaded(o outcome)   { m.loads.WithLabelValues(string(o)).Inc() }
func (m *metrics) saved(o outcome)    { m.saves.WithLabelValues(string(o)).Inc() }
func (m *metrics) received(o outcome) { m.announcements.WithLabelValues(string(o)).Inc() }

func (m *metrics) called(err error) {
	o := answered
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		o = refused
	case err != nil:
		o = failed
	}
	m.calls.WithLabelValues(string(o)).Inc()
}

// Metrics returns a collector of what became of loads, saves and calls, to be registered once.
func (c *Cache) Metrics() prometheus.Collector { return c.metrics }

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(to)
	}
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(to)
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.loads, m.saves, m.calls, m.announcements, m.breaker}
}
