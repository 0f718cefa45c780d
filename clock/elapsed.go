package clock

import "time"

// monotonic counts elapsed time by Go's monotonic clock. While a machine is suspended it may stand still; the wall clock then seems
// to have been set when the machine wakes up, and is believed after it has settled.
func monotonic() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}
