// Package health responds to liveness and readiness probes.
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

// Check checks whether something that the server depends on works.
type Check struct {
	Name string // of the part, such as "ledger"
	// Essential: without the part the server cannot serve. If an essential part fails, the server is not ready. If another part fails,
	// the server is ready but degraded.
	Essential bool
	// Do fails if the part does not work. Since readiness is public, it shows only errors made with [Because]. Do must return within
	// 90 ms, and must not write on every call.
	Do func(context.Context) error
}

// Because returns an error whose text readiness shows to everybody. It says why a part does not work and what to do, in at most 300
// characters and without addresses or secrets.
func Because(format string, args ...any) error { return &reason{fmt.Sprintf(format, args...)} }

type reason struct{ text string }

func (r *reason) Error() string { return r.text }

// limit is how long all checks together may take, so that a probe takes less than 100 ms. A check that takes longer fails.
const limit = 90 * time.Millisecond

// Live responds that the process is alive.
func Live(c *echo.Context) error {
	return c.JSON(http.StatusOK, api.Liveness{Status: api.LivenessStatusOk})
}

// Ready responds with 503 while the server is shutting down or an essential check fails, otherwise with 200.
func Ready(checks []Check, draining <-chan struct{}) echo.HandlerFunc {
	return func(c *echo.Context) error {
		response := summarize(checks, run(c.Request().Context(), checks))
		select {
		case <-draining:
			response.Status = api.ReadinessStatusDraining
		default:
		}
		status := http.StatusOK
		if response.Status == api.ReadinessStatusFailing || response.Status == api.ReadinessStatusDraining {
			status = http.StatusServiceUnavailable
		}
		return c.JSON(status, response)
	}
}

// summarize returns the status of each check, and the worst as that of the server.
func summarize(checks []Check, outcomes map[string]error) api.Readiness {
	response := api.Readiness{Status: api.ReadinessStatusOk, Checks: map[string]api.ReadinessChecks{}}
	reasons := map[string]string{}
	for _, check := range checks {
		err := outcomes[check.Name]
		switch {
		case err == nil:
			response.Checks[check.Name] = api.ReadinessChecksOk
			continue
		case check.Essential:
			response.Checks[check.Name], response.Status = api.ReadinessChecksFailing, api.ReadinessStatusFailing
		default:
			response.Checks[check.Name] = api.ReadinessChecksDegraded
			if response.Status == api.ReadinessStatusOk {
				response.Status = api.ReadinessStatusDegraded
			}
		}
		reasons[check.Name] = publicReason(err)
	}
	if len(reasons) > 0 {
		response.Reasons = reasons
	}
	return response
}

// maxReason limits the reason that is shown for a part, in bytes.
const maxReason = 300

// publicReason returns what everybody may know about an error.
func publicReason(err error) string {
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

// run runs the checks concurrently, and does not wait for those that take too long.
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
