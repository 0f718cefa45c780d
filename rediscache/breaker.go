package rediscache

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// maxFailures is how many consecutive failures open the breaker. One failure does if no call has succeeded since it was last open.
const maxFailures = 5

// errCanceled says that the caller canceled a call. It is no failure of Redis.
var errCanceled = errors.New("the caller canceled the call")

func (c *Cache) newBreaker(retryAfter time.Duration) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:    "redis",
		Timeout: cmp.Or(retryAfter, defaultRetryAfter),
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			return counts.ConsecutiveFailures >= maxFailures || counts.TotalSuccesses == 0
		},
		IsExcluded:    func(err error) bool { return errors.Is(err, errCanceled) },
		OnStateChange: c.log,
	})
}

// log logs when Redis begins to fail and when it works again, but not the attempts in between.
func (c *Cache) log(_ string, from, to gobreaker.State) {
	switch {
	case from == gobreaker.StateClosed:
		c.logger.Warn("Redis does not answer; continuing without it", "error", *c.cause.Load())
	case to == gobreaker.StateClosed:
		c.logger.Info("Redis answers again")
	}
}

// call runs do, which calls Redis, unless the breaker is open.
func (c *Cache) call(ctx context.Context, timeout time.Duration, do func(context.Context) error) error {
	_, err := c.breaker.Execute(func() (struct{}, error) {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err := do(bounded)
		if err != nil && ctx.Err() != nil {
			err = errCanceled
		}
		if err != nil {
			c.cause.Store(&err)
		}
		return struct{}{}, err
	})
	c.metrics.countCall(err)
	return err
}
