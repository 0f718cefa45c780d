package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Elapsed counts elapsed time by a clock that cannot be set: CLOCK_BOOTTIME (clock_gettime(2)), which goes on while the machine is
// suspended.
func Elapsed() func() time.Duration {
	if _, err := sinceBoot(); err != nil {
		return monotonic()
	}
	return func() time.Duration {
		d, _ := sinceBoot() // a clock that the kernel has once does not go away
		return d
	}
}

func sinceBoot() (time.Duration, error) {
	var ts unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano()), err
}
