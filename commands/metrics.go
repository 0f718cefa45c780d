package commands

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// Metrics measures commands. It implements [prometheus.Collector].
type Metrics struct{ *prometheus.HistogramVec }

// NewMetrics returns metrics that nobody has registered yet.
func NewMetrics() Metrics {
	return Metrics{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "licenseledger_command_seconds",
		Help: "How long commands take, by outcome: done, refused by a rule of the domain, forbidden to the principal, or failed.",
		// From what is answered from memory to what waits for a slow disk.
		Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5},
	}, []string{"command", "outcome"})}
}

// Observe measures one command; see [Config.Observe].
func (m Metrics) Observe(_ context.Context, d runtime.Declaration, err error, took time.Duration) {
	m.WithLabelValues(d.Name, outcome(err)).Observe(took.Seconds())
}

func outcome(err error) string {
	var refusal *domainerr.Error
	var invalid *domainerr.Invalid
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, access.ErrForbidden), errors.Is(err, access.ErrNoPrincipal):
		return "forbidden"
	case errors.As(err, &refusal), errors.As(err, &invalid):
		return "refused"
	default:
		return "failed"
	}
}
