package clock_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/licenseledger/licenseledger/clock"
)

func BenchmarkNow(b *testing.B) {
	c := clock.New(clock.Config{Wall: time.Now, Elapsed: clock.Elapsed(), Settle: settle, Log: slog.New(slog.DiscardHandler)})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Now()
		}
	})
}
