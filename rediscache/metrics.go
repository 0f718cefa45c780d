package rediscache

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// outcome is the result of a load, a save, a call or an announcement.
type outcome string

const (
	hit      outcome = "hit"
	missed   outcome = "miss"
	rejected outcome = "rejected" // not sealed with our keys, or of another format

	saved    outcome = "saved"
	outdated outcome = "outdated" // the cache has a later revision
	dropped  outcome = "dropped"  // the queue was full, the value was too large, or Redis did not answer

	succeeded outcome = "answered"
	failed    outcome = "failed"
	refused   outcome = "refused" // by the breaker

	received outcome = "heard"
	own      outcome = "own"
)

type metrics struct {
	loads, saves, calls, announcements *prometheus.CounterVec
	breaker                            prometheus.GaugeFunc
}

func newMetrics(breaker *gobreaker.CircuitBreaker[struct{}]) *metrics {
	counter := func(name, help string, outcomes ...outcome) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "licenseledger_redis_" + name, Help: help}, []string{"outcome"})
		for _, o := range outcomes {
			c.WithLabelValues(string(o)) // shows 0 before the first one
		}
		return c
	}
	return &metrics{
		loads: counter("loads_total", "Loads of licences from Redis.", hit, missed, rejected),
		saves: counter("saves_total", "Saves of licences in Redis.", saved, outdated, dropped),
		calls: counter("calls_total",
			"Calls of Redis. Those with the outcome refused were stopped by the circuit breaker.", succeeded, failed, refused),
		announcements: counter("announcements_total",
			"Announcements received from other instances, and own ones, which are ignored.", received, own),
		breaker: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "licenseledger_redis_breaker_state", Help: "0: closed, Redis is used. 1: half-open, Redis is tried. 2: open, Redis is not used.",
		}, func() float64 { return float64(breaker.State()) }),
	}
}

func (m *metrics) countLoad(o outcome)         { m.loads.WithLabelValues(string(o)).Inc() }
func (m *metrics) countSave(o outcome)         { m.saves.WithLabelValues(string(o)).Inc() }
func (m *metrics) countAnnouncement(o outcome) { m.announcements.WithLabelValues(string(o)).Inc() }

func (m *metrics) countCall(err error) {
	o := succeeded
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		o = refused
	case err != nil:
		o = failed
	}
	m.calls.WithLabelValues(string(o)).Inc()
}

// Metrics returns the collector of the cache's metrics, to be registered once.
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
