// Package health answers probes: is the process alive, and can it serve.
package health

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

// Check asks something that the server depends on whether it works, and fails if it does not.
type Check struct {
	Name string // such as "ledger"
	Do   func(context.Context) error
}

// patience is how long the checks may take together, so that a probe is answered within 100 ms. A check that takes longer
// counts as failing.
const patience = 90 * time.Millisecond

// Live answers that the process is alive.
func Live(c *echo.Context) error {
	return c.JSON(http.StatusOK, api.Liveness{Status: api.LivenessStatusOk})
}

// Ready answers whether every check succeeds and the server is not shutting down.
func Ready(checks []Check, draining <-chan struct{}) echo.HandlerFunc {
	return func(c *echo.Context) error {
		answer := api.Readiness{Status: api.ReadinessStatusOk, Checks: run(c.Request().Context(), checks)}
		for _, result := range answer.Checks {
			if result == api.ReadinessChecksFailing {
				answer.Status = api.ReadinessStatusFailing
			}
		}
		select {
		case <-draining:
			answer.Status = api.ReadinessStatusDraining
		default:
		}
		status := http.StatusOK
		if answer.Status != api.ReadinessStatusOk {
			status = http.StatusServiceUnavailable
		}
		return c.JSON(status, answer)
	}
}

// run carries the checks out side by side, and leaves behind those that take too long.
func run(ctx context.Context, checks []Check) map[string]api.ReadinessChecks {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type result struct {
		name string
		err  error
	}
	done := make(chan result, len(checks))
	results := make(map[string]api.ReadinessChecks, len(checks))
	for _, check := range checks {
		results[check.Name] = api.ReadinessChecksFailing
		go func() { done <- result{check.Name, check.Do(ctx)} }()
	}
	for range checks {
		select {
		case r := <-done:
			if r.err == nil {
				results[r.name] = api.ReadinessChecksOk
			}
		case <-ctx.Done():
			return results
		}
	}
	return results
}
