// Package health answers probes: is the process alive, and can it serve.
package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

// Check asks something that the server depends on whether it works.
type Check struct {
	Name string // of the part, such as "ledger"
	// Essential parts are those without which nothing can be served: if one fails, the server is not ready. If another part fails,
	// the server is ready but degraded.
	Essential bool
	// Do fails if the part does not work. Anyone may read why, so only what was made with [Because] is told; write nothing on
	// every call, and return within 90 ms.
	Do func(context.Context) error
}

// Because returns an error whose text is told to anyone who asks for readiness: why a part does not work and what to do, at most
// 300 characters, without addresses or secrets.
func Because(format string, args ...any) error { return &reason{fmt.Sprintf(format, args...)} }

type reason struct{ text string }

func (r *reason) Error() string { return r.text }

// limit is how long the checks may take together, so that a probe is answered within 100 ms. A check that takes longer fails.
const limit = 90 * time.Millisecond

// Live answers that the process is alive.
func Live(c *echo.Context) error {
	return c.JSON(http.StatusOK, api.Liveness{Status: api.LivenessStatusOk})
}

// Ready answers whether the server can serve: with 503 while it is shutting down or an essential check fails, otherwise with 200.
func Ready(checks []Check, draining <-chan struct{}) echo.HandlerFunc {
	return func(c *echo.Context) error {
		answer := assess(checks, run(c.Request().Context(), checks))
		select {
		case <-draining:
			answer.Status = api.ReadinessStatusDraining
		default:
		}
		status := http.StatusOK
		if answer.Status == api.ReadinessStatusFailing || answer.Status == api.ReadinessStatusDraining {
			status = http.StatusServiceUnavailable
		}
		return c.JSON(status, answer)
	}
}

// assess says what the outcomes of the checks mean; the gravest counts.
func assess(checks []Check, outcomes map[string]error) api.Readiness {
	answer := api.Readiness{Status: api.ReadinessStatusOk, Checks: map[string]api.ReadinessChecks{}}
	reasons := map[string]string{}
	for _, check := range checks {
		err := outcomes[check.Name]
		switch {
		case err == nil:
			answer.Checks[check.Name] = api.ReadinessChecksOk
			continue
		case check.Essential:
			answer.Checks[check.Name], answer.Status = api.ReadinessChecksFailing, api.ReadinessStatusFailing
		default:
			answer.Checks[check.Name] = api.ReadinessChecksDegraded
			if answer.Status == api.ReadinessStatusOk {
				answer.Status = api.ReadinessStatusDegraded
			}
		}
		reasons[check.Name] = told(err)
	}
	if len(reasons) > 0 {
		answer.Reasons = reasons
	}
	return answer
}

// maxReason bounds what is told of a part, in bytes.
const maxReason = 300

// told is what anyone may know about an error.
func told(err error) string {
	var known *reason
	switch {
	case errors.As(err, &known):
		return strings.ToValidUTF8(known.text[:min(len(known.text), maxReason)], "")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("it did not answer within %s", limit)
	default:
		return "it does not answer; the log and `licenseledger doctor` say why"
	}
}

// run carries the checks out side by side, and does not wait for those that take too long.
func run(ctx context.Context, checks []Check) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type outcome struct {
		name string
		err  error
	}
	done := make(chan outcome, len(checks))
	outcomes := make(map[string]error, len(checks))
	for _, check := range checks {
		outcomes[check.Name] = context.DeadlineExceeded
		go func() { done <- outcome{check.Name, check.Do(ctx)} }()
	}
	for range checks {
		select {
		case o := <-done:
			outcomes[o.name] = o.err
		case <-ctx.Done():
			return outcomes
		}
	}
	return outcomes
}
