package commands_test

import (
	"fmt"
	"maps"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/activation"
	"github.com/licenseledger/licenseledger/commands/licensing"
	commandruntime "github.com/licenseledger/licenseledger/commands/runtime"
	domainactivation "github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
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

// BenchmarkRequests measures what one client asks of a licence that is in memory: a fresh one, and one with 100,000 machines and 1,000,000
// events. Compare the two in one run.
func BenchmarkRequests(b *testing.B) {
	const renewals = 8
	for _, machines := range []int{1, 100_000} {
		o := newFixture(b)
		key := o.key(o.worked(machines, renewals).Key)
		known := presentedPC(machines/2 + 1)
		byComponents, unknown := known, presentedPC(machines+1)
		byComponents.Components = maps.Clone(known.Components)
		byComponents.Components["disk"] = []string{"another one"}
		validate := func(m activation.PresentedMachine, expected license.Code) {
			verdict, err := o.Activation.Validate(o.machine(), commandruntime.Request{}, activation.Validate{LicenseKey: key, Machine: &m})
			require.NoError(b, err)
			require.Equal(b, expected, verdict.Code)
		}
		activate := func(m activation.PresentedMachine, req commandruntime.Request) {
			_, err := o.Activation.ActivateMachine(o.machine(), req, activation.ActivateMachine{LicenseKey: key, Machine: m})
			require.NoError(b, err)
		}
		begun := time.Now()
		validate(known, license.Valid)
		b.Logf("the first contact with %d machines took %v", machines, time.Since(begun))
		next := machines + 1
		for _, request := range []struct {
			name string
			send func()
		}{
			{"validate a known machine", func() { validate(known, license.Valid) }},
			{"validate a machine known by components", func() { validate(byComponents, license.Valid) }},
			{"validate an unknown machine", func() { validate(unknown, license.FingerprintMismatch) }},
			{"repeat an activation", func() { activate(presentedPC(0), keyed("the first")) }},
			{"activate a new machine", func() { next++; activate(presentedPC(next), commandruntime.Request{}) }},
		} {
			b.Run(fmt.Sprintf("%s/%d machines", request.name, machines), func(b *testing.B) {
				for b.Loop() {
					request.send()
				}
			})
		}
	}
}

// presentedPC is the n-th of many computers of one model.
func presentedPC(n int) activation.PresentedMachine {
	return activation.PresentedMachine{OS: "linux/amd64", Components: map[string][]string{
		"cpu": {"model"}, "board": {"model"}, "mac": {fmt.Sprintf("02:00:%02x:%02x:%02x:%02x", n>>24, n>>16&255, n>>8&255, n&255)},
		"disk": {fmt.Sprintf("disk-%d", n)}, "os_id": {fmt.Sprintf("installation-%d", n)},
	}}
}

// worked issues a licence with machines, each of which has renewed its certificate so many times.
func (o *fixture) worked(machines, renewals int) licensing.IssuedLicense {
	o.t.Helper()
	issued := o.issue(seats(1_000_000))
	keyID := o.product(vendor).SigningKey().ID
	issued.Revision = o.recordMany(issued.ID, issued.Revision, func(yield func(event.Payload) bool) {
		for n := 1; n <= machines; n++ {
			components, _, err := machine.NewComponents(presentedPC(n).Components)
			require.NoError(o.t, err)
			fingerprint := components.Fingerprint()
			bindingID, activationID := uuid.Must(uuid.NewV7()), uuid.New()
			yield(binding.MachineBound{BindingID: bindingID, Fingerprint: fingerprint, Components: o.ring.HashComponents(vendor, components),
				OS: "linux/amd64", SeatsUsed: n, BoundAt: noon})
			yield(domainactivation.Granted{ActivationID: activationID, BindingID: bindingID, Fingerprint: fingerprint, KeyID: keyID,
				GrantedAt: noon, ExpiresAt: noon.Add(3 * day)})
			for range renewals {
				yield(domainactivation.Renewed{ActivationID: activationID, BindingID: bindingID, Fingerprint: fingerprint, KeyID: keyID,
					SeatsUsed: n, RenewedAt: noon, ExpiresAt: noon.Add(3 * day)})
			}
		}
	})
	return issued
}
