package rediscache

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
)

// failuresInARow open the breaker. A Redis that has not answered yet, or not since it failed, has one try only.
const failuresInARow = 5

// errLeft says that a call ended because its caller left, which says nothing about Redis.
var errLeft = errors.New("the caller left")

func (c *Cache) newBreaker(retryAfter time.Duration) *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:    "redis",
		Timeout: cmp.Or(retryAfter, defaultRetryAfter),
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			return counts.ConsecutiveFailures >= failuresInARow || counts.TotalSuccesses == 0
		},
		IsExcluded:    func(err error) bool { return errors.Is(err, errLeft) },
		OnStateChange: c.log,
	})
}

// log tells when Redis begins to fail and when it is back, not how often it is tried meanwhile.
func (c *Cache) log(_ string, from, to gobreaker.State) {
	switch {
	case from == gobreaker.StateClosed:
		c.logger.Warn("Redis does not answer; going on without it", "error", *c.cause.Load())
	case to == gobreaker.StateClosed:
		c.logger.Info("Redis answers again")
	}
}

// call asks Redis, unless it has been failing.
func (c *Cache) call(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	_, err := c.breaker.Execute(func() (struct{}, error) {
		bounded, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		err := ask(bounded)
		if err != nil && ctx.Err() != nil {
			err = errLeft
		}
		if err != nil {
			c.cause.Store(&err)
		}
		return struct{}{}, err
	})
	c.metrics.called(err)
	return err
}
