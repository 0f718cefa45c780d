package middleware

import (
	"fmt"
	"strconv"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests and measures how long they take, by method, route and status.
func Metrics(registry prometheus.Registerer, now func() time.Time) (echo.MiddlewareFunc, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "licenseledger_http_requests_total",
		Help: "Requests.",
	}, []string{"method", "route", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "licenseledger_http_request_duration_seconds",
		Help:    "Time from the arrival of a request to the end of its response.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route"})
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "licenseledger_http_response_bytes_total",
		Help: "Bytes of response bodies.",
	}, []string{"method", "route"})
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "licenseledger_http_requests_in_flight",
		Help: "Requests in flight.",
	})
	for _, c := range []prometheus.Collector{requests, seconds, sent, inFlight} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of HTTP: %w", err)
		}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			start := now()
			inFlight.Inc()
			defer func() {
				inFlight.Dec()
				method, route := method(c.Request()), route(c)
				status, bytes := responseSize(c)
				requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
				seconds.WithLabelValues(method, route).Observe(now().Sub(start).Seconds())
				sent.WithLabelValues(method, route).Add(float64(bytes))
			}()
			return next(c)
		}
	}, nil
}
