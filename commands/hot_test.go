package commands_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	commandruntime "github.com/licenseledger/licenseledger/commands/runtime"
)

// BenchmarkActivate lets 64 clients activate machines: of one licence, or of as many licences as there are clients.
func BenchmarkActivate(b *testing.B) {
	const clients = 64
	for _, licenses := range []int{clients, 1} {
		b.Run(fmt.Sprintf("of %d licences", licenses), func(b *testing.B) {
			o := newFixture(b)
			keys := make([]activation.LicenseKey, licenses)
			for i := range keys {
				keys[i] = o.key(o.issue(seats(b.N + clients)).Key)
			}
			var machines atomic.Int64
			b.SetParallelism(clients / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int(machines.Add(1))
					_, err := o.Activation.ActivateMachine(o.machine(), commandruntime.Request{},
						activation.ActivateMachine{LicenseKey: keys[n%licenses], Machine: machineNo(n)})
					require.NoError(b, err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "activations/s")
		})
	}
}
