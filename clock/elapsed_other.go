//go:build !linux

package clock

import "time"

// Elapsed counts elapsed time by a clock that cannot be set: Go's monotonic clock.
func Elapsed() func() time.Duration { return monotonic() }
